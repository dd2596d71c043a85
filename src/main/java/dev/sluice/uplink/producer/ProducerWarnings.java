package dev.sluice.uplink.producer;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Says which part of the promise is given up by properties of the producer. Stateless. */
final class ProducerWarnings {
    private static final String PREFIX = "mp.messaging.outgoing.uplink.";
    private static final String NEVER = Integer.toString(Integer.MAX_VALUE);

    private ProducerWarnings() {}

    /** A sentence for each property that is set to something unsafe. */
    static List<String> of(Map<String, ?> properties) {
        var warnings = new ArrayList<String>();
        var acks = text(properties, "acks", "all");
        if (!acks.equals("all") && !acks.equals("-1"))
            warnings.add(sentence(
                    "acks",
                    acks,
                    "a message is acknowledged before every in-sync replica has it; those that"
                            + " only the leader has are lost with it. Also turns idempotence off"));
        if (text(properties, "enable.idempotence", "true").equals("false"))
            warnings.add(sentence(
                    "enable.idempotence",
                    "false",
                    "when the producer tries again, a message can be in Kafka"
                            + " twice or behind a later one of its client, with the same mqtt-seq"));
        if (number(properties, "max.in.flight.requests.per.connection", 5) > 5)
            warnings.add(sentence(
                    "max.in.flight.requests.per.connection",
                    text(properties, "max.in.flight.requests.per.connection", ""),
                    "Kafka keeps the order of at most 5 requests: messages of a client can overtake each other"));
        if (number(properties, "retries", Integer.MAX_VALUE) < Integer.MAX_VALUE)
            warnings.add(sentence(
                    "retries",
                    text(properties, "retries", ""),
                    "a message is given up after so many tries,"
                            + " and later ones of its client overtake it; 0 also turns idempotence off"));
        addTimes(properties, warnings);
        if (!text(properties, "transactional.id", "").isEmpty())
            warnings.add(sentence(
                    "transactional.id",
                    "…",
                    "the gateway uses no transactions, and such a producer takes no"
                            + " record outside of one: no message reaches Kafka"));
        return warnings;
    }

    private static void addTimes(Map<String, ?> properties, List<String> warnings) {
        var delivery = text(properties, "delivery.timeout.ms", NEVER);
        if (!delivery.equals(NEVER))
            warnings.add(
                    sentence(
                            "delivery.timeout.ms",
                            delivery,
                            "a message is given up when Kafka is away for longer,"
                                    + " and later ones of its client overtake it; its client is disconnected and sends it again"));
        if (number(properties, "max.block.ms", 0) > 0)
            warnings.add(sentence(
                    "max.block.ms",
                    text(properties, "max.block.ms", ""),
                    "while Kafka has no room or is"
                            + " away, a message blocks the event loop, and with it every client there"));
    }

    private static String sentence(String property, String value, String consequence) {
        return PREFIX + property + "=" + value + " gives up a part of the promise: " + consequence;
    }

    private static String text(Map<String, ?> properties, String name, String standard) {
        var value = properties.get(name);
        return value == null ? standard : value.toString().strip();
    }

    /** Returns the standard for a text that is not a number, as Kafka refuses that itself. */
    private static long number(Map<String, ?> properties, String name, long standard) {
        var text = text(properties, name, "");
        return text.matches("\\d{1,18}") ? Long.parseLong(text) : standard;
    }
}
