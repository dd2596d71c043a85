package dev.sluice.uplink.producer;

import dev.sluice.config.StartOrder;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.eclipse.microprofile.config.Config;

/**
 * Refuses the start where Kafka's clients are asked for something that this process cannot do: a class that it does not have, which
 * may be one that the native executable was built without, or Kerberos in the executable. Otherwise a client
 * would fail when it is used first. Stateless.
 */
@ApplicationScoped
public class ClientCheck {
    private static final List<String> SOURCES =
            List.of("mp.messaging.outgoing.uplink.", "mp.messaging.connector.smallrye-kafka.");

    private final Config config;
    private final Map<String, Object> kafkaConfig;

    ClientCheck(Config config, @Identifier("default-kafka-broker") Map<String, Object> kafkaConfig) {
        this.config = config;
        this.kafkaConfig = kafkaConfig;
    }

    /** Before the channel of the uplink makes its producer. */
    void checkProducer(@Observes @Priority(StartOrder.KAFKA_CLASSES) StartupEvent event) {
        var properties = new HashMap<>(kafkaConfig);
        var keys = new HashMap<String, String>();
        for (var source : SOURCES.reversed())
            for (var name : ProducerConfig.configNames())
                config.getOptionalValue(source + name, String.class).ifPresent(value -> {
                    properties.put(name, value);
                    keys.put(name, source + name);
                });
        require(properties, name -> keys.getOrDefault(name, "kafka." + name), isExecutable());
    }

    /**
     * @param properties of a client of Kafka's
     * @param key gives the configuration's key of a property
     * @throws IllegalArgumentException with a sentence that names the key and what is missing
     */
    public static void require(Map<String, Object> properties, UnaryOperator<String> key) {
        require(properties, key, isExecutable());
    }

    static void require(Map<String, Object> properties, UnaryOperator<String> key, boolean isExecutable) {
        if (isExecutable && isKerberos(properties))
            throw new IllegalArgumentException(key.apply("sasl.mechanism")
                    + "=GSSAPI: Kerberos does not work in the native executable; it does in the jar");
        new TreeMap<>(properties).forEach((name, value) -> classes(name, value)
                .forEach(className -> requireClass(key.apply(name), className, isExecutable)));
    }

    /** GSSAPI is what Kafka takes where nothing is said. */
    private static boolean isKerberos(Map<String, Object> properties) {
        return text(properties.get("security.protocol"))
                        .toUpperCase(Locale.ROOT)
                        .startsWith("SASL")
                && text(properties.getOrDefault("sasl.mechanism", "GSSAPI")).equals("GSSAPI");
    }

    /** The names of classes that a property holds. */
    private static Stream<String> classes(String name, Object value) {
        if (name.equals("sasl.jaas.config")) return names(text(value).strip().split("\\s+")[0]);
        var isClass = name.endsWith(".class")
                || name.endsWith(".classes")
                || name.endsWith("serializer")
                || List.of("metric.reporters", "partition.assignment.strategy", "security.providers")
                        .contains(name);
        if (!isClass) return Stream.empty();
        return value instanceof List<?> values ? values.stream().flatMap(it -> names(text(it))) : names(text(value));
    }

    private static Stream<String> names(String text) {
        return Stream.of(text.split(",")).map(String::strip).filter(name -> !name.isEmpty());
    }

    private static String text(Object value) {
        return value instanceof Class<?> type ? type.getName() : value == null ? "" : value.toString();
    }

    /** Kafka makes each by its constructor without arguments. */
    private static void requireClass(String key, String className, boolean isExecutable) {
        try {
            Class.forName(className, false, Thread.currentThread().getContextClassLoader())
                    .getDeclaredConstructor();
        } catch (ReflectiveOperationException | LinkageError missing) {
            throw new IllegalArgumentException(
                    key + " names the class " + className + ", which "
                            + (isExecutable ? "is not in the native executable" : "the gateway does not have")
                            + " (" + missing + ")",
                    missing);
        }
    }

    private static boolean isExecutable() {
        return System.getProperty("org.graalvm.nativeimage.imagecode") != null;
    }
}
