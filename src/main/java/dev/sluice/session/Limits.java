package dev.sluice.session;

/**
 * What the server grants at most.
 *
 * @param receiveMaximum unanswered QoS 1 and 2 PUBLISHes, 1 to 65,535
 * @param topicAliasMaximum 0 to 65,535
 * @param maximumPacketSize bytes
 * @param keepAliveMaximum seconds, 0 for any
 * @param sessionExpiryMaximum seconds, also of an MQTT 3 session without clean session
 * @param clientIdMaximum bytes of UTF-8
 * @param responseInformation null for none
 */
public record Limits(
        int receiveMaximum,
        int topicAliasMaximum,
        int maximumPacketSize,
        int keepAliveMaximum,
        long sessionExpiryMaximum,
        int clientIdMaximum,
        String responseInformation) {

    public Limits {
        require("receive-maximum", receiveMaximum, 1, 65_535);
        require("topic-alias-maximum", topicAliasMaximum, 0, 65_535);
        require("maximum-packet-size", maximumPacketSize, 128, 268_435_460);
        require("keep-alive-maximum", keepAliveMaximum, 0, 65_535);
        require("session-expiry-maximum", sessionExpiryMaximum, 0, 0xFFFF_FFFFL);
        require("client-id-maximum", clientIdMaximum, 23, 2048);
    }

    private static void require(String key, long value, long least, long most) {
        if (value < least || value > most)
            throw new IllegalArgumentException(
                    "sluice.mqtt." + key + ": is " + value + ", and has to be " + least + " to " + most);
    }
}
