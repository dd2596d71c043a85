package dev.sluice.cluster.node;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.node.NodeSettings;
import dev.sluice.store.node.NodeSettings.Difference;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jboss.logging.Logger;

/**
 * Owns the knowledge of who is configured otherwise than this gateway, and says so once for each key and run of another one. One virtual thread
 * looks; the gauge may be asked by any.
 *
 * <p>Nobody is refused for it: gateways are configured anew one after the other. Where messages would get lost between two of them, as with
 * two topics of the relay, the later one is not ready, and reads no socket, since it does not hear the other.
 */
@ApplicationScoped
public class SettingsComparison {
    private static final Logger LOG = Logger.getLogger(SettingsComparison.class);
    private static final Duration INTERVAL = Duration.ofSeconds(5);

    private final Membership membership;
    private final NodeSettings store;
    private final FleetSettings settings;
    private final Repeating comparing = Repeating.onVirtualThread("sluice-settings");
    private final AtomicInteger different = new AtomicInteger();
    /** What has been said of those who live; of its thread. */
    private Set<Difference> said = Set.of();

    SettingsComparison(Membership membership, NodeSettings store, FleetSettings settings, MeterRegistry meters) {
        this.membership = membership;
        this.store = store;
        this.settings = settings;
        Gauge.builder("sluice.nodes.settings.different", different, AtomicInteger::get)
                .description(
                        "Keys of the configuration that other gateways have another value for, each gateway counted")
                .register(meters);
    }

    void start(@Observes @Priority(StartOrder.SWEEPS) StartupEvent event) {
        comparing.start(this::turn);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        comparing.stop();
    }

    private Duration turn() {
        if (membership.isDead()) return INTERVAL;
        try {
            compare().forEach(LOG::warn);
        } catch (StoreUnavailable away) {
            LOG.debugf("configurations are compared later: %s", away.getMessage());
        }
        return INTERVAL;
    }

    /** Returns a sentence for each difference that was not there the last time. */
    List<String> compare() {
        var self = membership.self();
        var found = store.compare(self.id(), self.run(), settings.values());
        var sentences = found.stream()
                .filter(one -> !said.contains(one))
                .map(this::sentence)
                .toList();
        said = Set.copyOf(found);
        different.set(found.size());
        return sentences;
    }

    private String sentence(Difference one) {
        return ("%s is configured differently: \"%s\" at gateway %s (run %d), and \"%s\" at this one, %s."
                        + " It has to be the same at all gateways.")
                .formatted(one.key(), one.other(), one.id(), one.run(), one.own(), membership.id());
    }
}
