package dev.sluice.uplink;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.route.RoutesInForce;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.common.KafkaException;
import org.jboss.logging.Logger;

/** Asks Kafka about the topics that records go to, for {@link KnownTopics}: one virtual thread. */
@ApplicationScoped
class TopicProbe {
    private static final Logger LOG = Logger.getLogger(TopicProbe.class);
    private static final Duration INTERVAL = Duration.ofMillis(500);
    /** Names that come in that time are asked for together. */
    private static final Duration GATHERING = Duration.ofMillis(5);

    private static final Duration KAFKA_AWAY = Duration.ofMillis(200);
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    private static final int PAGE = 200;

    private final KafkaHealth kafka;
    private final KnownTopics topics;
    private final RoutesInForce routes;
    private final Uplink uplink;
    private final Repeating asking = Repeating.onVirtualThread("sluice-kafka-topics");

    TopicProbe(KafkaHealth kafka, KnownTopics topics, RoutesInForce routes, Uplink uplink) {
        this.kafka = kafka;
        this.topics = topics;
        this.routes = routes;
        this.uplink = uplink;
    }

    void start(@Observes @Priority(StartOrder.KAFKA_READERS) StartupEvent event) {
        asking.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_PROBES) ShutdownEvent event) {
        asking.stop();
        asking.interrupt();
    }

    private Duration turn() throws InterruptedException {
        topics.want(routes.routes().literalKafkaTopics());
        var names = topics.due();
        for (int i = 0; i < names.size(); i += PAGE)
            if (!ask(names.subList(i, Math.min(names.size(), i + PAGE)))) return KAFKA_AWAY;
        topics.awaitQuestion(INTERVAL);
        return GATHERING;
    }

    /** Returns false if Kafka cannot be asked now. */
    private boolean ask(List<String> names) throws InterruptedException {
        var admin = kafka.admin();
        if (admin == null) return false;
        try {
            topics.tell(KafkaTopics.describe(admin, names, TIMEOUT));
            uplink.splitBacklogs();
            return true;
        } catch (ExecutionException | TimeoutException | KafkaException | IllegalStateException away) {
            LOG.debug("Kafka is asked for topics", away);
            return false;
        }
    }
}
