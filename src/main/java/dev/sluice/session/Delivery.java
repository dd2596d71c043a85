package dev.sluice.session;

import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import java.util.List;

/**
 * One message for one client. Immutable; one object may serve all clients that get the very same.
 *
 * @param qos the lower one of the message and the subscription [MQTT-3.8.4-8]
 * @param retain the RETAIN flag to send [MQTT-3.3.1-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13]
 * @param subscriptionIdentifiers those of all subscriptions that matched [MQTT-3.3.4-3]; only MQTT 5 clients are told
 * @param share the filter of the Shared Subscription that chose this client ("$share/group/filter"), null for none
 * @param seq place in the session's durable queue, 0 for a message that is in memory only
 * @param dup whether it may have been sent before [MQTT-3.3.1-1]
 * @param received whether the client has answered PUBREC for it, so that PUBREL is due and not PUBLISH
 * @param receipt told what becomes of it, null if nobody asks; only of a message that is in memory only
 * @param packetId that it has to be sent under, 0 for that of its place
 */
public record Delivery(
        Message message,
        QoS qos,
        boolean retain,
        List<Integer> subscriptionIdentifiers,
        String share,
        long seq,
        boolean dup,
        boolean received,
        Receipt receipt,
        int packetId) {

    public Delivery(
            Message message,
            QoS qos,
            boolean retain,
            List<Integer> subscriptionIdentifiers,
            String share,
            long seq,
            boolean dup,
            boolean received,
            Receipt receipt) {
        this(message, qos, retain, subscriptionIdentifiers, share, seq, dup, received, receipt, 0);
    }

    public Delivery(
            Message message,
            QoS qos,
            boolean retain,
            List<Integer> subscriptionIdentifiers,
            String share,
            long seq,
            boolean dup,
            boolean received) {
        this(message, qos, retain, subscriptionIdentifiers, share, seq, dup, received, null);
    }

    /** Returns its weight in bytes, for all bounds: the message counts once for each client. */
    int bytes() {
        return message.bytes() + Properties.bytes(subscriptionIdentifiers);
    }

    boolean isDurable() {
        return seq > 0;
    }
}
