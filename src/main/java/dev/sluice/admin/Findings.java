package dev.sluice.admin;

import dev.sluice.store.route.RouteStore;
import dev.sluice.store.route.StoredRoutes;
import dev.sluice.uplink.KafkaHealth;
import dev.sluice.uplink.route.LiveRoutes;
import dev.sluice.uplink.route.RouteLint;
import dev.sluice.uplink.route.RouteMistakes;
import jakarta.inject.Singleton;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** Looks for likely mistakes in routes; blocks for Kafka's answer, so it is called on virtual threads. */
@Singleton
final class Findings {
    private final LiveRoutes live;
    private final KafkaHealth kafka;

    Findings(LiveRoutes live, KafkaHealth kafka) {
        this.live = live;
        this.kafka = kafka;
    }

    /** About the stored routes and those of the configuration file. */
    RouteAnswers.Lint all(StoredRoutes stored) {
        try {
            return all(stored.version(), live.with(stored.specs()));
        } catch (RouteMistakes wrong) {
            throw Problem.of(409, "the stored routes are wrong", RouteAnswers.mistakes(wrong, RouteAnswers::inSet));
        }
    }

    private RouteAnswers.Lint all(long version, LiveRoutes.Candidate candidate) {
        var topics = kafka.topics(candidate.routes().literalKafkaTopics());
        var found = RouteLint.of(candidate.routes(), topics.orElse(Map.of()));
        return new RouteAnswers.Lint(
                version,
                topics.isPresent(),
                found.stream().map(RouteAnswers::finding).toList());
    }

    /** About routes that were just changed. */
    List<RouteAnswers.Finding> about(RouteStore.Changed<LiveRoutes.Candidate> changed, Collection<String> names) {
        return all(changed.after().version(), changed.wanted()).findings().stream()
                .filter(it -> names.contains(it.route())
                        || it.others() != null && it.others().stream().anyMatch(names::contains))
                .toList();
    }
}
