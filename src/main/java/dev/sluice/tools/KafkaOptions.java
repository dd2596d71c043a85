package dev.sluice.tools;

import io.smallrye.config.PropertiesLocationConfigSourceFactory;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import picocli.CommandLine.Option;

/**
 * How a tool comes to Kafka. In this order, a later one over an earlier one: {@code kafka.*} as the gateway has them, from files that
 * {@code SMALLRYE_CONFIG_LOCATIONS} names, the environment and system properties; a file of the tool's own; an option.
 */
final class KafkaOptions {
    private static final String PREFIX = "kafka.";
    private static final String BOOTSTRAP = "bootstrap.servers";
    private static final String STANDARD_BOOTSTRAP = "127.0.0.1:9092";

    @Option(
            names = "--bootstrap",
            paramLabel = "HOST:PORT,...",
            description = "servers of Kafka (KAFKA_BOOTSTRAP_SERVERS, or " + STANDARD_BOOTSTRAP + ")")
    private String bootstrap;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "properties for TLS and SASL: those of a Kafka client, or kafka.* of a gateway's file. Without it,"
                            + " the environment (KAFKA_SECURITY_PROTOCOL, ...) and the files of SMALLRYE_CONFIG_LOCATIONS, as for the gateway")
    private Path config;

    /** The properties of a Kafka client. */
    Map<String, Object> client() {
        var client = new HashMap<String, Object>(Map.of(BOOTSTRAP, STANDARD_BOOTSTRAP));
        client.putAll(ofTheGateway());
        if (config != null) client.putAll(ofFile(config));
        if (bootstrap != null) client.put(BOOTSTRAP, bootstrap);
        if (client.containsKey("tls.configuration.name"))
            throw new Complaint("kafka.tls-configuration-name is not for tools: give them kafka.ssl.* instead.");
        return client;
    }

    private static Map<String, String> ofTheGateway() {
        var config = new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addSystemSources()
                .withSources(new PropertiesLocationConfigSourceFactory())
                .build();
        var client = new HashMap<String, String>();
        for (var name : config.getPropertyNames()) {
            var key = key(name);
            if (key.startsWith(PREFIX))
                config.getOptionalValue(key, String.class)
                        .or(() -> config.getOptionalValue(name, String.class))
                        .ifPresent(value -> client.put(key.substring(PREFIX.length()), value));
        }
        return client;
    }

    /** The environment has capitals, and _ for a dot. */
    private static String key(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[_-]", ".");
    }

    private static Map<String, String> ofFile(Path file) {
        var properties = new Properties();
        try (var reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IOException e) {
            throw new Complaint("cannot read " + file + ": it is not there, or may not be read", e);
        }
        var names = properties.stringPropertyNames();
        var isOfAGateway = names.stream().anyMatch(name -> name.startsWith(PREFIX));
        var client = new HashMap<String, String>();
        for (var name : names) {
            if (!isOfAGateway) client.put(name, properties.getProperty(name));
            else if (name.startsWith(PREFIX))
                client.put(key(name).substring(PREFIX.length()), properties.getProperty(name));
        }
        return client;
    }
}
