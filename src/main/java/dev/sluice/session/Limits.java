package dev.sluice.session;

import dev.sluice.codec.InputBounds;

/**
 * What the server grants at most.
 *
 * @param receiveMaximum unanswered QoS 1 and 2 PUBLISHes of a client, 1 to 65,535
 * @param unreleasedMaximum QoS 2 PUBLISHes of an MQTT 3 client that wait for its PUBREL, 1 to 65,535
 * @param topicAliasMaximum 0 to 65,535, in each direction
 * @param maximumPacketSize bytes
 * @param keepAliveMaximum seconds, 0 for any
 * @param sessionExpiryMaximum seconds, also of an MQTT 3 session without clean session
 * @param clientIdMaximum bytes of UTF-8
 * @param responseInformation null for none
 * @param sendQuota unanswered QoS 1 and 2 PUBLISHes to a client, 1 to 65,535; fewer where the client's Receive Maximum is less
 * @param queueCount messages that may wait in memory for a client
 * @param queueBytes bytes of them
 * @param queuePage rows of a durable queue that are held in memory at most
 * @param payloadFormatCheck whether a payload that claims to be UTF-8 is checked
 * @param input how much of a client's input is looked at
 */
public record Limits(
        int receiveMaximum,
        int unreleasedMaximum,
        int topicAliasMaximum,
        int maximumPacketSize,
        int keepAliveMaximum,
        long sessionExpiryMaximum,
        int clientIdMaximum,
        String responseInformation,
        int sendQuota,
        int queueCount,
        long queueBytes,
        QueuePolicy queuePolicy,
        int queuePage,
        boolean payloadFormatCheck,
        InputBounds input) {

    public Limits {
        require("receive-maximum", receiveMaximum, 1, 65_535);
        require("unreleased-maximum", unreleasedMaximum, 1, 65_535);
        require("topic-alias-maximum", topicAliasMaximum, 0, 65_535);
        require("maximum-packet-size", maximumPacketSize, 128, 268_435_460);
        require("keep-alive-maximum", keepAliveMaximum, 0, 65_535);
        require("session-expiry-maximum", sessionExpiryMaximum, 0, 0xFFFF_FFFFL);
        require("client-id-maximum", clientIdMaximum, 23, 2048);
        require("send-quota", sendQuota, 1, 65_535);
        require("queue-count", queueCount, 0, Integer.MAX_VALUE);
        require("queue-bytes", queueBytes, 0, Long.MAX_VALUE);
        require("queue-page", queuePage, 1, 65_535);
    }

    /** The same with less of these. */
    public Limits within(int receiveMaximum, int queueCount, long queueBytes) {
        return new Limits(
                receiveMaximum,
                unreleasedMaximum,
                topicAliasMaximum,
                maximumPacketSize,
                keepAliveMaximum,
                sessionExpiryMaximum,
                clientIdMaximum,
                responseInformation,
                sendQuota,
                queueCount,
                queueBytes,
                queuePolicy,
                queuePage,
                payloadFormatCheck,
                input);
    }

    /** Unanswered QoS 1 and 2 PUBLISHes that this client may have. */
    public int sendQuota(Grant grant) {
        return Math.min(sendQuota, grant.clientReceiveMaximum());
    }

    private static void require(String key, long value, long least, long most) {
        if (value < least || value > most)
            throw new IllegalArgumentException(
                    "sluice.mqtt." + key + ": is " + value + ", and has to be " + least + " to " + most);
    }
}
