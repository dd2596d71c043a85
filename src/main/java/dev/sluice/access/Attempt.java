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
    /** One without extended authentication. */
    public Attempt(Peer peer, String clientId, String username, byte[] password) {
        this(peer, clientId, username, password, null, null);
    }

    /** Without credentials. */
    @Override
    public String toString() {
        return "client " + clientId + " of " + peer;
    }
}
