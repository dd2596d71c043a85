package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.ToAll;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/**
 * Owns who takes what comes from other gateways. Filled before the start by any thread, used by the relay's; a handler that fails is logged, and
 * the others go on.
 */
final class Handlers {
    private static final Logger LOG = Logger.getLogger(Handlers.class);

    private final Map<Class<?>, BiConsumer<Gateway, RelayMessage>> byType = new ConcurrentHashMap<>();
    private final List<Supplier<List<ToAll>>> suppliers = new CopyOnWriteArrayList<>();
    private final List<Consumer<Gateway>> forgotten = new CopyOnWriteArrayList<>();
    private final List<Consumer<Gateway>> restated = new CopyOnWriteArrayList<>();
    private final List<Consumer<Gateway>> gaps = new CopyOnWriteArrayList<>();
    private final List<LongConsumer> dead = new CopyOnWriteArrayList<>();
    private volatile BooleanSupplier room = () -> true;

    <M extends RelayMessage> void on(Class<M> type, BiConsumer<Gateway, M> handler) {
        var before = byType.put(type, (gateway, message) -> handler.accept(gateway, type.cast(message)));
        if (before != null) throw new IllegalStateException("two handlers of " + type);
    }

    void readMailboxWhile(BooleanSupplier hasRoom) {
        room = hasRoom;
    }

    /** Whether those who take what lies in the mailbox have room for it. */
    boolean hasRoom() {
        return room.getAsBoolean();
    }

    void whole(Supplier<List<ToAll>> supplier) {
        suppliers.add(supplier);
    }

    void onForgotten(Consumer<Gateway> handler) {
        forgotten.add(handler);
    }

    void onRestated(Consumer<Gateway> handler) {
        restated.add(handler);
    }

    void onGap(Consumer<Gateway> handler) {
        gaps.add(handler);
    }

    void onDead(LongConsumer handler) {
        dead.add(handler);
    }

    /** A run of this gateway is. */
    void dead(long run) {
        for (var handler : dead) guarded(() -> handler.accept(run));
    }

    void handle(Gateway from, RelayMessage message) {
        var handler = byType.get(message.getClass());
        if (handler != null) guarded(() -> handler.accept(from, message));
    }

    /** All that there is to tell; null if somebody could not say it. */
    List<ToAll> whole() {
        var whole = new ArrayList<ToAll>();
        var isWhole = true;
        for (var supplier : suppliers) isWhole &= guarded(() -> whole.addAll(supplier.get()));
        return isWhole ? whole : null;
    }

    void forget(Gateway gateway) {
        for (var handler : forgotten) guarded(() -> handler.accept(gateway));
    }

    void restate(Gateway gateway, List<ToAll> whole) {
        forget(gateway);
        for (var message : whole) handle(gateway, message);
        for (var handler : restated) guarded(() -> handler.accept(gateway));
    }

    void gap(Gateway gateway) {
        for (var handler : gaps) guarded(() -> handler.accept(gateway));
    }

    private static boolean guarded(Runnable call) {
        try {
            call.run();
            return true;
        } catch (RuntimeException bug) {
            LOG.error("what another gateway has told could not be taken in, or answered", bug);
            return false;
        }
    }
}
