package dev.sluice.broker;

import dev.sluice.packet.Packet;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Which clients are traced: each event and each effect of their sessions is a line of the log at TRACE, without payloads, passwords and
 * values of properties. Holds for this JVM, as levels of the log do. Any thread may use it.
 */
public final class ClientTrace {
    private static final Logger LOG = Logger.getLogger(ClientTrace.class);

    /** When the trace of a client ends; a snapshot that is replaced whole, and empty as a rule. */
    private static volatile Map<String, Instant> ends = Map.of();

    private ClientTrace() {}

    /** Traces a client from now on, whether it is connected or not, for so long at most; answers when that ends. */
    public static synchronized Instant start(String clientId, Duration time) {
        var end = Instant.now().plus(time);
        var changed = running();
        changed.put(clientId, end);
        ends = Map.copyOf(changed);
        return end;
    }

    /** False if the client was not traced. */
    public static synchronized boolean stop(String clientId) {
        var changed = running();
        var was = changed.remove(clientId) != null;
        ends = Map.copyOf(changed);
        return was;
    }

    /** Who is traced, and until when; by client identifier. */
    public static synchronized Map<String, Instant> all() {
        ends = Map.copyOf(running());
        return new TreeMap<>(ends);
    }

    private static HashMap<String, Instant> running() {
        var running = new HashMap<>(ends);
        var now = Instant.now();
        running.values().removeIf(now::isAfter);
        return running;
    }

    /**
     * Notes an event that a session is about to be told.
     *
     * @param clientId null before the client is known
     * @return what performs its effects, and notes them if the client is traced
     */
    static Consumer<Effect> of(String clientId, Event event, Consumer<Effect> perform) {
        if (ends.isEmpty()) return perform;
        var client = event instanceof Event.Received(Packet.Connect connect) ? connect.clientId() : clientId;
        if (client == null || !isOn(client)) return perform;
        LOG.tracef("%s < %s", TraceText.line(client), TraceText.of(event));
        return effect -> {
            LOG.tracef("%s > %s", TraceText.line(client), TraceText.of(effect));
            perform.accept(effect);
        };
    }

    private static boolean isOn(String clientId) {
        var end = ends.get(clientId);
        if (end == null) return false;
        if (Instant.now().isBefore(end)) return true;
        stop(clientId);
        LOG.infof("the trace of client %s ends", TraceText.line(clientId));
        return false;
    }
}
