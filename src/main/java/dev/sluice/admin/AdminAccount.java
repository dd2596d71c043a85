package dev.sluice.admin;

import dev.sluice.clock.Repeating;
import dev.sluice.config.StartOrder;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.audit.AuditLog;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.vertx.core.http.HttpServerRequest;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.jboss.logging.Logger;

/**
 * Writes down what no trigger of PostgreSQL sees: requests that were refused, those that are alike together and no more rows than the account
 * can bear, and what was done outside of PostgreSQL. Any thread may note it; one virtual thread writes, when PostgreSQL is there.
 */
@ApplicationScoped
class AdminAccount {
    private static final Logger LOG = Logger.getLogger(AdminAccount.class);
    private static final Duration INTERVAL = Duration.ofSeconds(2);
    /** Different refusals that are written in a minute; further ones count as one. */
    private static final int MOST_REFUSALS = 100;

    private static final long MINUTE = Duration.ofMinutes(1).toNanos();
    /** Different lines that wait while PostgreSQL is away; the log has the others as well. */
    private static final int MOST = 1000;

    private static final int LONGEST = 200;
    private static final int FORBIDDEN = 403;
    private static final String REFUSE = "refuse";
    private static final Line OTHERS =
            new Line("several", REFUSE, "request/others", FORBIDDEN, "more refusals than are written");

    private final AuditLog account;
    private final MeterRegistry meters;
    private final Repeating writing = Repeating.onVirtualThread("sluice-admin-account");
    /** Guarded by itself, as all below. */
    private final Map<Line, Long> counts = new HashMap<>();
    /** Different refusals that may still be written within this minute. */
    private int room = MOST_REFUSALS;
    /** When it began. */
    private long minute = System.nanoTime();

    /** @param status of a refusal */
    private record Line(String actor, String action, String object, int status, String detail) {
        AuditLog.Addition times(long count) {
            return action.equals(REFUSE)
                    ? AuditLog.Addition.refused(actor, object, status, detail, count)
                    : new AuditLog.Addition(actor, action, object, null);
        }
    }

    AdminAccount(AuditLog account, MeterRegistry meters) {
        this.account = account;
        this.meters = meters;
    }

    void start(@Observes @Priority(StartOrder.ROUTES_AND_SPOOL) StartupEvent event) {
        writing.every(INTERVAL, this::write);
    }

    void stop(@Observes @Priority(StartOrder.STOP_WORKERS) ShutdownEvent event) {
        writing.stop();
        write();
    }

    /** @param actor who it was, as far as that is known */
    void refused(String actor, HttpServerRequest request, int status, String detail) {
        Counter.builder("sluice.admin.refused")
                .description("Requests to the admin API that were refused for who sent them")
                .tag("status", Integer.toString(status))
                .register(meters)
                .increment();
        var object = printable("request/" + request.method() + " " + request.path());
        var line = new Line(printable(String.valueOf(actor)), REFUSE, object, status, printable(detail));
        synchronized (counts) {
            var known = counts.containsKey(line) || counts.size() < MOST && room-- > 0 ? line : OTHERS;
            counts.merge(known, 1L, Long::sum);
        }
    }

    /** @param object kind and name of what has changed */
    void changed(String actor, String action, String object) {
        var line = new Line(printable(actor), action, printable(object), 0, null);
        synchronized (counts) {
            if (counts.size() < MOST) counts.merge(line, 1L, Long::sum);
        }
    }

    private static String printable(String text) {
        var line = text.replaceAll("\\p{Cntrl}", "?");
        if (line.length() <= LONGEST) return line;
        return line.substring(0, Character.isHighSurrogate(line.charAt(LONGEST - 1)) ? LONGEST - 1 : LONGEST);
    }

    private void write() {
        Map<Line, Long> taken;
        synchronized (counts) {
            if (System.nanoTime() - minute > MINUTE) {
                minute = System.nanoTime();
                room = MOST_REFUSALS;
            }
            if (counts.isEmpty()) return;
            taken = Map.copyOf(counts);
            counts.clear();
        }
        try {
            account.add(taken.entrySet().stream()
                    .map(it -> it.getKey().times(it.getValue()))
                    .toList());
        } catch (StoreUnavailable away) {
            LOG.debugf("to be written down later: %s", away.getMessage());
            synchronized (counts) {
                taken.forEach((line, count) -> counts.merge(line, count, Long::sum));
            }
        }
    }
}
