package dev.sluice.uplink.route;

import dev.sluice.config.StartOrder;
import dev.sluice.config.UplinkConfig;
import dev.sluice.store.route.Following;
import dev.sluice.store.route.RouteListener;
import dev.sluice.store.route.RouteStore;
import dev.sluice.store.route.StoredRoutes;
import dev.sluice.uplink.route.RouteMistakes.Mistake;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Keeps the routes in force the ones that PostgreSQL holds, over those of the configuration file. Any virtual thread may call; whoever
 * puts routes in force waits for its turn.
 */
@Singleton
public class LiveRoutes {
    private static final Logger LOG = Logger.getLogger(LiveRoutes.class);

    private final RoutesInForce inForce;
    private final UplinkConfig config;
    private final RouteStore store;
    private final RouteListener listener;
    private final SortedMap<String, RouteSpec> ofTheFile;
    private final ReentrantLock turn = new ReentrantLock();
    /** Version of the last set that is known to be kept in PostgreSQL; the listener's. */
    private long kept;
    /** The last failure that was logged; the listener's. */
    private final Following following = new Following(LOG, "routes");

    private volatile State state = new State(new StoredRoutes(0, new TreeMap<>()), 0, Optional.empty());

    /**
     * The stored routes, and what serves here.
     *
     * @param stored as they were read last
     * @param inForce version of the set in force
     * @param rejection why the stored set is not in force
     */
    public record State(StoredRoutes stored, long inForce, Optional<RouteMistakes> rejection) {
        /** Says in words which routes serve while the stored set is wrong. */
        public String stopgap() {
            return inForce == 0
                    ? "the routes of the configuration file alone"
                    : "the last good set, version " + inForce;
        }
    }

    /**
     * A set of routes without a mistake, as somebody wrote it and as it would be in force.
     *
     * @param stored those of them that PostgreSQL holds, or would hold: JSON by name
     * @param specs those and the ones of the configuration file, by name
     */
    public record Candidate(SortedMap<String, String> stored, SortedMap<String, RouteSpec> specs, Routes routes) {}

    LiveRoutes(
            RoutesInForce inForce,
            UplinkConfig config,
            RouteStore store,
            RouteListener listener,
            MeterRegistry meters) {
        this.inForce = inForce;
        this.config = config;
        this.store = store;
        this.listener = listener;
        this.ofTheFile = RouteSpec.all(config);
        Gauge.builder("sluice.routes.version", this, it -> it.state.inForce)
                .description("Version of the stored routes in force")
                .register(meters);
        Gauge.builder("sluice.routes.rejected", this, it -> it.state.rejection.isPresent() ? 1 : 0)
                .description("1 while the stored routes are wrong, so that earlier ones stay in force")
                .register(meters);
    }

    void start(@Observes @Priority(StartOrder.ROUTES_AND_SPOOL) StartupEvent event) {
        refresh();
        listener.start(this::follow);
    }

    private void follow(long version) {
        following.look(() -> {
            if (version != state.stored.version()) refresh();
            keep();
        });
    }

    /** On the listener's thread, which has time, and comes back if it is in vain. */
    private void keep() {
        var now = state;
        if (now.rejection.isPresent() || now.inForce <= kept) return;
        if (store.keep(new RouteStore.Good(now.inForce, now.stored.specs()))) kept = now.inForce;
    }

    public State state() {
        return state;
    }

    /** The routes of the configuration file, by name. */
    public SortedMap<String, RouteSpec> ofTheFile() {
        return ofTheFile;
    }

    /** Reads the stored routes, and puts them in force if they are new; blocks. */
    public State refresh() {
        turn.lock();
        try {
            // Read in turn, so that nobody puts in force what is older.
            var stored = store.read();
            if (stored.version() != state.stored.version()) use(stored);
            return state;
        } finally {
            turn.unlock();
        }
    }

    /**
     * Changes the stored routes, and puts them in force here; blocks. Nobody else changes them meanwhile.
     *
     * @param change gets the stored routes, and returns the specs that are to be stored, as JSON by name
     * @throws RouteMistakes when the routes would be wrong; then nothing has changed
     */
    public RouteStore.Changed<Candidate> change(
            String actor, Function<StoredRoutes, SortedMap<String, String>> change) {
        var changed = store.change(actor, before -> candidate(before, change.apply(before)), Candidate::stored);
        turn.lock();
        try {
            if (changed.after().version() > state.stored.version())
                use(changed.after(), changed.wanted().routes());
            return changed;
        } finally {
            turn.unlock();
        }
    }

    /** A route that changes is stored with all fields that say something, even those that its author left out. */
    private Candidate candidate(StoredRoutes before, SortedMap<String, String> wanted) {
        var candidate = with(wanted);
        var known = before.specs();
        var stored = new TreeMap<>(wanted);
        stored.replaceAll((name, json) -> json.equals(known.get(name))
                ? json
                : RouteJson.write(candidate.specs().get(name)).toString());
        return new Candidate(stored, candidate.specs(), candidate.routes());
    }

    /**
     * The routes that would be in force if these were stored.
     *
     * @param specs JSON by name
     * @throws RouteMistakes with every mistake
     */
    public Candidate with(Map<String, String> specs) {
        var mistakes = new ArrayList<Mistake>();
        var merged = new TreeMap<>(ofTheFile);
        specs.forEach((name, json) -> RouteJson.read(name, json, mistakes).ifPresent(spec -> merged.put(name, spec)));
        try {
            var routes = Routes.of(merged, config);
            if (mistakes.isEmpty()) return new Candidate(new TreeMap<>(specs), merged, routes);
        } catch (RouteMistakes more) {
            mistakes.addAll(more.mistakes());
        }
        throw new RouteMistakes(mistakes);
    }

    private void use(StoredRoutes stored) {
        try {
            use(stored, routes(stored.specs()));
        } catch (RouteMistakes wrong) {
            reject(stored, wrong);
        }
    }

    private void use(StoredRoutes stored, Routes routes) {
        inForce.use(routes);
        state = new State(stored, stored.version(), Optional.empty());
        LOG.infof("routes of version %d are in force", stored.version());
    }

    /** Nothing that somebody may have stored stops a start, or the listener. */
    private Routes routes(Map<String, String> specs) {
        try {
            return with(specs).routes();
        } catch (RouteMistakes wrong) {
            throw wrong;
        } catch (RuntimeException unforeseen) {
            LOG.error("the routes in PostgreSQL cannot be read", unforeseen);
            throw new RouteMistakes(List.of(new Mistake(null, "routes", "cannot be read: " + unforeseen)));
        }
    }

    /** Goes on with the last good set, which another gateway, or an earlier run of this one, may have kept. */
    private void reject(StoredRoutes stored, RouteMistakes wrong) {
        var good = store.good().filter(it -> it.version() > state.inForce && it.version() != stored.version());
        var version = state.inForce;
        var besides = "";
        if (good.isPresent()) {
            try {
                inForce.use(routes(good.get().specs()));
                version = good.get().version();
            } catch (RouteMistakes here) {
                besides = "; nor does version " + good.get().version()
                        + ", which was good, go with this gateway's own file: " + inLine(here);
            }
        }
        state = new State(stored, version, Optional.of(wrong));
        LOG.errorf(
                "the routes of version %d in PostgreSQL are wrong (in force: %s): %s%s. Correct them in the table route, or"
                        + " by PUT /admin/routes",
                stored.version(), state.stopgap(), inLine(wrong), besides);
    }

    private static String inLine(RouteMistakes wrong) {
        return wrong.getMessage().replace("\n", "; ");
    }
}
