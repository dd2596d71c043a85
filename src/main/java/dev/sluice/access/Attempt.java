package dev.sluice.access;

/**
 * A client that wants in: all that it offers to prove who it is. Byte arrays are not copied, and nobody keeps them.
 *
 * @param clientId never empty; assigned by the gateway where the client sent none
 * @param username null without
 * @param password null without
 * @param authenticationMethod of MQTT 5's extended authentication, such as {@code SCRAM-SHA-256}; null without
 * @param authenticationData null without
 */
public record Attempt(
        Peer peer,
        String clientId,
        String username,
        byte[] password,
        String authenticationMethod,
        byte[] authenticationData) {
    /** The authentication method whose data is a token. */
    public static final String TOKEN = "sluice-token";

    /** One without extended authentication. */
    public Attempt(Peer peer, String clientId, String username, byte[] password) {
        this(peer, clientId, username, password, null, null);
    }

    /** One more token of a client that is online. */
    public static Attempt renewal(Peer peer, String clientId, byte[] token) {
        return new Attempt(peer, clientId, null, null, TOKEN, token);
    }

    /** Without credentials. */
    @Override
    public String toString() {
        return "client " + clientId + " of " + peer;
    }
}
