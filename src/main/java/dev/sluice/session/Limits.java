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
        String responseInformation) {}
