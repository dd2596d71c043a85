package dev.sluice.cluster;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/**
 * One gateway among several in one JVM, and its relay: what is sent to it waits until the test lets its own thread take it in, at once by
 * default. Letters can be held at the sender, or fail. Any thread may use it.
 */
public final class LocalRelay implements Relay, Gateways, AutoCloseable {
    private final Board board;
    private final Gateway self;
    private final Map<Class<?>, BiConsumer<Gateway, RelayMessage>> handlers = new HashMap<>();
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("local-relay", 0).factory());
    private final List<RelayMessage> sent = new ArrayList<>();
    private final Queue<Runnable> withheld = new ArrayDeque<>();
    /** Letters that there is no room for yet; the thread's. */
    private final Queue<Runnable> mailbox = new ArrayDeque<>();

    private volatile BooleanSupplier room = () -> true;
    private final Queue<Consumer<Boolean>> unanswered = new ArrayDeque<>();
    private final List<Supplier<List<RelayMessage.ToAll>>> whole = new ArrayList<>();
    private final List<Consumer<Gateway>> forgotten = new CopyOnWriteArrayList<>();
    private final List<Consumer<Gateway>> gaps = new CopyOnWriteArrayList<>();
    private Consumer<Gateway> restated = _ -> {};
    private LongConsumer dead = _ -> {};
    private volatile boolean alone = true;
    private volatile boolean hadOthers;
    private boolean deaf;
    private boolean answersLate;
    private boolean failing;
    private boolean closed;
    private volatile boolean ready = true;

    /** The gateways that know of each other. */
    public static final class Board {
        private final List<LocalRelay> relays = new ArrayList<>();
        private int lastMailbox;
    }

    /** One that knows of nobody else. */
    public static LocalRelay alone() {
        return new LocalRelay(new Board(), "alone");
    }

    /** Joins with {@link #join}. */
    public LocalRelay(Board board, String id) {
        this.board = board;
        synchronized (board) {
            this.self = new Gateway(id, 1, ++board.lastMailbox);
        }
    }

    @Override
    public Gateway self() {
        return self;
    }

    @Override
    public List<Gateway> others() {
        synchronized (board) {
            return board.relays.stream()
                    .map(other -> other.self)
                    .filter(other -> !other.equals(self))
                    .toList();
        }
    }

    @Override
    public Gateway find(String id) {
        synchronized (board) {
            return board.relays.stream()
                    .map(other -> other.self)
                    .filter(other -> other.id().equals(id))
                    .findFirst()
                    .orElse(null);
        }
    }

    /** After the handlers are named: it is told what the others have to tell, and tells them all it has. */
    public void join() {
        synchronized (board) {
            for (var other : board.relays) {
                other.alone = false;
                other.hadOthers = true;
                alone = false;
                hadOthers = true;
            }
            for (var other : board.relays) {
                other.execute(() -> other.restate(this));
                execute(() -> restate(other));
            }
            board.relays.add(this);
        }
    }

    /** Tells a gateway the whole state. */
    private void restate(LocalRelay other) {
        for (var supplier : whole) for (var message : supplier.get()) other.take(self, message, () -> {});
        other.enqueue(() -> other.restated.accept(self));
    }

    /** It tells all others its whole state anew, and what it has told counts no more. */
    public void restate() {
        synchronized (board) {
            for (var other : board.relays) {
                if (other == this) continue;
                other.enqueue(() -> other.forgotten.forEach(handler -> handler.accept(self)));
                restate(other);
            }
        }
    }

    /** It is gone, and the others forget it. */
    public void leave() {
        synchronized (board) {
            board.relays.remove(this);
            for (var other : board.relays) {
                other.execute(() -> other.forgotten.forEach(handler -> handler.accept(self)));
                other.alone = board.relays.size() == 1;
            }
        }
    }

    /** From now on it takes nothing in, until {@link #listen}. */
    public synchronized void ignore() {
        deaf = true;
    }

    /** Takes in what has come meanwhile. */
    public synchronized void listen() {
        deaf = false;
        withheld.forEach(thread::execute);
        withheld.clear();
    }

    /** Letters arrive, but whether Kafka has them is told by {@link #answer} only. */
    public synchronized void answerLate() {
        answersLate = true;
    }

    /** Letters that are sent from now on are lost, and said to be. */
    public synchronized void fail(boolean isFailing) {
        failing = isFailing;
    }

    /** Tells of all letters whether Kafka has them. */
    public void answer(boolean has) {
        List<Consumer<Boolean>> due;
        synchronized (this) {
            due = List.copyOf(unanswered);
            unanswered.clear();
        }
        due.forEach(then -> then.accept(has));
    }

    /** All that was sent to one gateway or to all. */
    public synchronized List<RelayMessage> sent() {
        return List.copyOf(sent);
    }

    /** Runs a task on the thread that handlers run on, behind all that has come. */
    public synchronized void execute(Runnable task) {
        if (!closed) thread.execute(task);
    }

    @Override
    public boolean isAlone() {
        return alone;
    }

    @Override
    public long period() {
        return 0;
    }

    @Override
    public boolean hasAlwaysBeenAlone() {
        return !hadOthers;
    }

    @Override
    public boolean isReady() {
        return ready;
    }

    /** Whether it knows what the others had to tell; true at first. */
    public void ready(boolean isReady) {
        ready = isReady;
    }

    @Override
    public boolean isCurrent() {
        return true;
    }

    @Override
    public boolean hasReadAll() {
        return alone;
    }

    @Override
    public void catchUp(Runnable then) {
        enqueue(() -> takeInOrder(then));
    }

    @Override
    public void send(Gateway to, RelayMessage.ToOne message, Consumer<Boolean> then) {
        boolean isLate;
        synchronized (this) {
            isLate = answersLate && !failing;
            if (isLate) unanswered.add(then); // before a test can see that it was sent
            sent.add(message);
        }
        if (failing) {
            then.accept(false);
            return;
        }
        synchronized (board) {
            for (var other : board.relays) if (other.self.equals(to)) other.take(self, message, () -> {});
        }
        if (!isLate) then.accept(true);
    }

    @Override
    public void announce(RelayMessage.ToAll message, Runnable seen) {
        synchronized (this) {
            sent.add(message);
        }
        List<LocalRelay> others;
        synchronized (board) {
            others = board.relays.stream().filter(other -> other != this).toList();
            var missing = new AtomicInteger(others.size());
            for (var other : others)
                other.take(self, message, () -> {
                    if (missing.decrementAndGet() == 0) seen.run();
                });
        }
        if (others.isEmpty()) seen.run();
    }

    @Override
    public void tellDead(String id, long run) {
        synchronized (board) {
            for (var other : board.relays) if (other.self.id().equals(id)) other.enqueue(() -> other.dead.accept(run));
        }
    }

    @Override
    public void onDead(LongConsumer handler) {
        dead = handler;
    }

    private void take(Gateway from, RelayMessage message, Runnable taken) {
        Runnable task = () -> {
            var handler = handlers.get(message.getClass());
            if (handler != null) handler.accept(from, message);
            taken.run();
        };
        enqueue(message instanceof RelayMessage.ToOne ? () -> takeInOrder(task) : task);
    }

    /** Of the mailbox. */
    private void takeInOrder(Runnable letter) {
        mailbox.add(letter);
        if (mailbox.size() == 1) takeWhatThereIsRoomFor();
    }

    private void takeWhatThereIsRoomFor() {
        while (!mailbox.isEmpty() && room.getAsBoolean()) mailbox.remove().run();
        if (!mailbox.isEmpty()) thread.schedule(this::takeWhatThereIsRoomFor, 1, TimeUnit.MILLISECONDS);
    }

    @Override
    public void readMailboxWhile(BooleanSupplier hasRoom) {
        room = hasRoom;
    }

    private synchronized void enqueue(Runnable task) {
        if (deaf) withheld.add(task);
        else if (!closed) thread.execute(task);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <M extends RelayMessage> void on(Class<M> type, BiConsumer<Gateway, M> handler) {
        handlers.put(type, (BiConsumer<Gateway, RelayMessage>) handler);
    }

    @Override
    public void whole(Supplier<List<RelayMessage.ToAll>> supplier) {
        whole.add(supplier);
    }

    @Override
    public void onForgotten(Consumer<Gateway> handler) {
        forgotten.add(handler);
    }

    /** Told behind the messages of a gateway that has told its whole state. */
    @Override
    public void onRestated(Consumer<Gateway> handler) {
        restated = restated.andThen(handler);
    }

    /** Never told: nothing is missed here. */
    @Override
    public void onGap(Consumer<Gateway> handler) {
        gaps.add(handler);
    }

    /** Something of another gateway may have been missed. */
    public void gap(Gateway of) {
        thread.execute(() -> gaps.forEach(handler -> handler.accept(of)));
    }

    @Override
    public void close() {
        leave();
        synchronized (this) {
            closed = true;
        }
        thread.shutdownNow();
    }
}
