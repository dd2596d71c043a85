package dev.sluice.uplink.producer;

import dev.sluice.config.StartOrder;
import io.quarkus.runtime.StartupEvent;
import io.smallrye.common.annotation.Identifier;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Allows Kafka's clients the URLs and files of OAuth that the gateway's configuration names. Kafka asks for each a second time, in a
 * system property, because some of its programs take configuration from strangers; ours is the operator's. Runs once, at the start.
 */
@ApplicationScoped
class OauthUrls {
    private static final String OAUTH = "sasl.oauthbearer.";
    private static final List<String> URLS = List.of("token.endpoint.url", "jwks.endpoint.url");
    private static final List<String> FILES =
            List.of("assertion.file", "assertion.template.file", "assertion.private.key.file");

    private final Map<String, Object> kafkaConfig;

    OauthUrls(@Identifier("default-kafka-broker") Map<String, Object> kafkaConfig) {
        this.kafkaConfig = kafkaConfig;
    }

    /** Before there is any client of Kafka. */
    void start(@Observes @Priority(StartOrder.OAUTH_URLS) StartupEvent event) {
        allow("org.apache.kafka.sasl.oauthbearer.allowed.urls", URLS);
        allow("org.apache.kafka.sasl.oauthbearer.allowed.files", FILES);
    }

    /** What the operator has set is left alone. */
    private void allow(String property, List<String> keys) {
        if (System.getProperty(property) != null) return;
        var named = keys.stream()
                .map(key -> kafkaConfig.get(OAUTH + key))
                .filter(Objects::nonNull)
                .map(Object::toString)
                .collect(Collectors.joining(","));
        if (!named.isEmpty()) System.setProperty(property, named);
    }
}
