package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.packet.Message;
import dev.sluice.session.Delivery;
import dev.sluice.session.Event;
import dev.sluice.store.delivery.RetainedReader.Asked;
import dev.sluice.topic.NameIndex.Found;
import dev.sluice.topic.NameIndex.Place;
import dev.sluice.topic.TopicName;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The retained messages of one subscription on their way to the client: page by page, each once the client has taken the one before.
 * Confined to the connection's event loop, except what is said to read, which runs on a virtual thread, one at a time.
 *
 * <p>A message with a stamp above {@code begun} was routed to the client as it came. What comes while a page is read, or waits, is noted:
 * the older message of the page is left out then.
 */
abstract sealed class RetainedTransfer permits LiveTransfer, DurableTransfer {
    /** Most bytes of one page. */
    static final long PAGE_BYTES = 256 * 1024;
    /** Most topics of one page. */
    static final int PAGE_TOPICS = 256;
    /** Names that are looked at before other threads have their turn. */
    private static final int STEPS = 4096;
    /** Messages that are given before others have their turn on the event loop. */
    private static final int AT_ONCE = 64;

    private static final int MOST_MISSED = 10_000;
    private static final Duration RETRY = Duration.ofSeconds(1);

    final RetainedRecipient connection;
    final RetainedMessages retained;
    private final Consumer<RetainedTransfer> over;
    private volatile LiveSubscription subscription;
    private volatile boolean ended;
    private boolean committed;
    private boolean reading;
    /** Whether this gateway knows which topics there are, those of other gateways included; confined to who reads. */
    private boolean learned;

    private int failures;

    /** Null once no topic follows. */
    private Place place;

    /** Topics of the page at hand: of these, newer messages are noted. */
    private volatile Set<TopicName> asked = Set.of();

    private Set<TopicName> overtaken = Set.of();
    /** Topics of which a newer message was dropped, since too much waited: sent at the end. */
    private Set<TopicName> missed = Set.of();

    private final ArrayDeque<Message> page = new ArrayDeque<>();
    /** What of the page is charged. */
    private long charged;

    private boolean pageIsCharged;

    /** @param over told once there is nothing more to do */
    RetainedTransfer(
            RetainedRecipient connection,
            RetainedMessages retained,
            Consumer<RetainedTransfer> over,
            LiveSubscription subscription,
            Place place) {
        this.connection = connection;
        this.retained = retained;
        this.over = over;
        this.subscription = subscription;
        this.place = place;
    }

    /** A page that was read. */
    record Loaded(List<Message> messages, Place next, long queuedTo, Duration retry) {
        static Loaded of(List<Message> messages, Place next) {
            return new Loaded(messages, next, 0, null);
        }

        /** Nothing can be read now. */
        static Loaded later(Duration retry) {
            return new Loaded(List.of(), null, 0, retry);
        }
    }

    /** Reads the messages of these topics, or of the first of them; null if the client is owed nothing any more. */
    abstract Loaded read(Found found);

    /** Notes that all is sent; reads. */
    abstract void finish();

    LiveSubscription subscription() {
        return subscription;
    }

    void replace(LiveSubscription other) {
        subscription = other;
    }

    void committed() {
        committed = true;
    }

    boolean isCommitted() {
        return committed;
    }

    /** Nothing more is sent. */
    void end() {
        ended = true;
        drop();
    }

    /** From any thread. */
    boolean isOver() {
        return ended || connection.isClosed();
    }

    /** Goes on when the client is ready. */
    void run() {
        if (!connection.isReady() && !connection.isClosed()) connection.whenReady(this::soon);
        else if (isOver()) drop();
        else if (!page.isEmpty()) give();
        else if (place != null) load(this::search);
        else if (!missed.isEmpty()) load(catchingUp());
        else load(this::finished);
    }

    /** In a later turn: this may be called from within an event of the session. */
    private void soon() {
        connection.loop().execute(this::run);
    }

    private void later(Duration pause) {
        CompletableFuture.delayedExecutor(pause.toMillis(), TimeUnit.MILLISECONDS, connection.loop())
                .execute(this::run);
    }

    private void give() {
        for (int i = 0; i < AT_ONCE && !page.isEmpty() && connection.isReady(); i++) {
            var message = page.remove();
            uncharge(message.bytes());
            if (!overtaken.contains(message.topicName())) connection.delivered(delivery(subscription, message));
            if (isOver()) break;
        }
        soon();
    }

    static Delivery delivery(LiveSubscription subscription, Message message) {
        return new Delivery(
                message,
                message.qos().min(subscription.maximumQoS()),
                true,
                identifiers(subscription),
                null,
                0,
                false,
                false);
    }

    static List<Integer> identifiers(LiveSubscription subscription) {
        return subscription.identifier() == 0 ? List.of() : List.of(subscription.identifier());
    }

    /** @param what reads a page; null if nothing is owed any more */
    private void load(Supplier<Loaded> what) {
        if (reading) return;
        reading = true;
        asked = Set.of();
        overtaken = new HashSet<>();
        Runnable read = () -> {
            var loaded = what.get();
            connection.loop().execute(() -> loaded(loaded));
        };
        StoreThreads.read(
                connection.clientId(), read, () -> connection.loop().execute(this::failed), connection::unreadable);
    }

    private void failed() {
        reading = false;
        if (isOver()) return;
        if (++failures > 1) retained.late(connection.clientId());
        later(RETRY);
    }

    private void loaded(Loaded loaded) {
        reading = false;
        failures = 0;
        if (loaded == null || isOver()) {
            end();
            over.accept(this);
            return;
        }
        if (loaded.retry() != null) {
            later(loaded.retry());
            return;
        }
        if (!charge(loaded)) {
            later(RETRY);
            return;
        }
        page.addAll(loaded.messages());
        place = loaded.next();
        if (loaded.queuedTo() > 0) connection.tell(new Event.Queued(loaded.queuedTo()));
        soon(); // behind the event: the session knows then that it is not ready
    }

    /** Copies in PostgreSQL cannot be made a second time: what was read with them is given even if there is no memory to charge. */
    private boolean charge(Loaded loaded) {
        var bytes = loaded.messages().stream().mapToLong(Message::bytes).sum();
        pageIsCharged = bytes > 0 && retained.memory().take(bytes);
        if (pageIsCharged) charged = bytes;
        return pageIsCharged || bytes == 0 || loaded.queuedTo() > 0;
    }

    private void uncharge(long bytes) {
        if (!pageIsCharged) return;
        charged -= bytes;
        retained.memory().giveBack(bytes);
    }

    private void drop() {
        page.clear();
        if (pageIsCharged) retained.memory().giveBack(charged);
        pageIsCharged = false;
        charged = 0;
    }

    /** Reads. Costs time in proportion to the names that it looks at, in slices. */
    private Loaded search() {
        if (!learned && !retained.knowsAll()) retained.topics().learn(subscription.filter(), this::isOver);
        learned = true;
        for (var from = place; from != null && !isOver(); ) {
            var found = retained.topics().find(subscription.filter(), from, mostTopics(), STEPS);
            if (!found.names().isEmpty()) return read(found);
            from = found.next();
            Thread.yield();
        }
        return Loaded.of(List.of(), null);
    }

    int mostTopics() {
        return PAGE_TOPICS;
    }

    /** Reads messages that are given as they are, and held by this gateway until then. */
    final Loaded readLive(Found found, long begun) {
        ask(found.names());
        var held = new HashMap<TopicName, Message>();
        var ask = new ArrayList<TopicName>();
        for (var name : found.names()) {
            var uncommitted = retained.topics().uncommitted(name);
            if (uncommitted == null) ask.add(name);
            else if (uncommitted.stamp() <= begun && uncommitted.message().payload().length > 0)
                held.put(name, uncommitted.message().unretained());
        }
        var read = retained.reader().read(new Asked(ask, begun, begun, subscription.maximumQoS(), PAGE_BYTES));
        for (var message : read.messages()) held.put(message.topicName(), message);
        var cut = read.covered() < ask.size() ? ask.get(read.covered()) : null;
        var messages = new ArrayList<Message>();
        var bytes = 0L;
        TopicName last = null;
        for (var name : found.names()) {
            if (name == cut || bytes >= PAGE_BYTES) return Loaded.of(messages, Place.behind(last));
            last = name;
            var message = held.get(name);
            if (message == null) continue;
            messages.add(message);
            bytes += message.bytes();
        }
        return Loaded.of(messages, found.next());
    }

    /** From here on newer messages of these topics are noted. */
    final void ask(List<TopicName> topics) {
        asked = Set.copyOf(topics);
    }

    void overtaken(TopicName topicName) {
        if (!missed.isEmpty()) missed.remove(topicName);
        if (asked.contains(topicName)) overtaken.add(topicName);
    }

    boolean isOvertaken(TopicName topicName) {
        return overtaken.contains(topicName);
    }

    void missed(TopicName topicName) {
        if (missed.isEmpty()) missed = new LinkedHashSet<>();
        if (missed.size() < MOST_MISSED) missed.add(topicName);
    }

    private Supplier<Loaded> catchingUp() {
        var names = missed.stream().limit(PAGE_TOPICS).toList();
        var begun = retained.topics().stamp();
        return () -> {
            var loaded = readLive(new Found(names, null), begun);
            connection.loop().execute(() -> forget(names, loaded.next()));
            return Loaded.of(live(loaded.messages()), null);
        };
    }

    /** Those that a page of bytes has room for; the others are read next. */
    private void forget(List<TopicName> names, Place next) {
        for (var name : names) {
            missed.remove(name);
            if (next != null && next.isBehind(name)) return;
        }
    }

    /** Those of the messages that no queue keeps. */
    List<Message> live(List<Message> messages) {
        return messages;
    }

    private Loaded finished() {
        finish();
        return null;
    }
}
