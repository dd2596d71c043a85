package dev.sluice.session;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.ArrayList;
import java.util.List;

/** Messages for clients, each with a number that its payload starts with, and what becomes of them. Stateless. */
final class Mail {
    private Mail() {}

    static Message message(int number) {
        return message(number, "t", Properties.NONE, Message.NEVER, 1);
    }

    static Message message(int number, String topic, Properties properties, long expiresAt, int bytes) {
        var payload = new byte[bytes];
        payload[0] = (byte) number;
        return new Message(TopicName.of(topic), QoS.EXACTLY_ONCE, false, properties, payload, expiresAt);
    }

    static Delivery of(Message message, QoS qos) {
        return new Delivery(message, qos, false, List.of(), null, 0, false, false);
    }

    static Delivery qos0(int number) {
        return of(message(number), QoS.AT_MOST_ONCE);
    }

    static Delivery qos1(int number) {
        return of(message(number), QoS.AT_LEAST_ONCE);
    }

    static Delivery qos2(int number) {
        return of(message(number), QoS.EXACTLY_ONCE);
    }

    static Delivery shared(Delivery delivery) {
        return new Delivery(
                delivery.message(),
                delivery.qos(),
                delivery.retain(),
                delivery.subscriptionIdentifiers(),
                "$share/g/t",
                delivery.seq(),
                delivery.dup(),
                delivery.received());
    }

    /** A row of the durable queue whose message has the number of its place, and a topic named after it. */
    static Delivery row(long seq, QoS qos) {
        var message = message((int) seq, "" + seq, Properties.NONE, Message.NEVER, 1);
        return new Delivery(message, qos, false, List.of(), null, seq, false, false);
    }

    static Delivery row(long seq) {
        return row(seq, QoS.AT_LEAST_ONCE);
    }

    static Delivery sent(Delivery row) {
        return new Delivery(row.message(), row.qos(), false, List.of(), null, row.seq(), true, false);
    }

    static Delivery received(Delivery row) {
        return new Delivery(
                row.message(), row.qos(), false, List.of(), null, row.seq(), true, true, null, row.packetId());
    }

    static Delivery assigned(Delivery row, int packetId) {
        return new Delivery(
                row.message(), row.qos(), false, List.of(), null, row.seq(), row.dup(), row.received(), null, packetId);
    }

    static Delivery expiring(Delivery delivery, long expiresAt) {
        return new Delivery(
                message(number(delivery), delivery.message().topicName().toString(), Properties.NONE, expiresAt, 1),
                delivery.qos(),
                delivery.retain(),
                delivery.subscriptionIdentifiers(),
                delivery.share(),
                delivery.seq(),
                delivery.dup(),
                delivery.received());
    }

    static int number(Delivery delivery) {
        return delivery.message().payload()[0];
    }

    /** The PUBLISHes among the effects. */
    static List<Packet.Publish> publishes(List<Effect> effects) {
        var publishes = new ArrayList<Packet.Publish>();
        for (var effect : effects) if (effect instanceof Effect.Send(Packet.Publish publish)) publishes.add(publish);
        return publishes;
    }

    /** The numbers of the messages that are sent. */
    static List<Integer> numbers(List<Effect> effects) {
        return publishes(effects).stream()
                .map(publish -> (int) publish.payload()[0])
                .toList();
    }

    /** The numbers of the messages that are dropped. */
    static List<Integer> drops(List<Effect> effects, Effect.Why why) {
        var numbers = new ArrayList<Integer>();
        for (var effect : effects)
            if (effect instanceof Effect.Drop drop && drop.why() == why) numbers.add(number(drop.delivery()));
        return numbers;
    }
}
