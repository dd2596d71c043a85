package dev.sluice.uplink.route;

import java.util.Optional;

/** The rules of Kafka for the name of a topic, which its clients keep in an internal package. Any thread may ask. */
final class KafkaTopicName {
    private static final int MAX_LENGTH = 249;

    private KafkaTopicName() {}

    /** Why Kafka would refuse the name, as the end of a sentence that does not quote it; empty if it would not. */
    static Optional<String> mistake(String name) {
        if (name.isEmpty()) return Optional.of("is empty");
        if (name.equals(".") || name.equals("..")) return Optional.of("is . or .., which Kafka refuses");
        return mistakeInPart(name);
    }

    /** The same for a name of which more is to come. */
    static Optional<String> mistakeInPart(String name) {
        if (name.length() > MAX_LENGTH)
            return Optional.of("has " + name.length() + " characters, more than Kafka's " + MAX_LENGTH);
        return name.codePoints()
                .filter(c -> !isLegal(c))
                .mapToObj(KafkaTopicName::refused)
                .findFirst();
    }

    /** The name with an underscore for each character that Kafka would refuse. */
    static String replaced(String name) {
        if (name.codePoints().allMatch(KafkaTopicName::isLegal)) return name;
        return name.codePoints()
                .map(c -> isLegal(c) ? c : '_')
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString();
    }

    private static String refused(int c) {
        var shown = c > ' ' && c < 0x7f ? " (" + Character.toString(c) + ")" : "";
        return "has U+%04X%s, which Kafka refuses".formatted(c, shown);
    }

    private static boolean isLegal(int c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-';
    }
}
