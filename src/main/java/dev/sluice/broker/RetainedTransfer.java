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
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The retained messages of one subscription on their way to the client: page by page, each once the client has taken the one before.
 * Confined to the connection's event loop, except what is said to read, which runs on a virtual thread, one at a time.
 *
 * <p>A message with a stamp above {@code begun} was routed to the client as it came. What comes while a page is read, or waits, is noted:
 * the older message of the page is left out then. What the client has missed of that, as too much waited for it, is read at the end:
 * {@link RetainedCatchUp}. What is read then, the client does not get as it comes; what comes while its page is read, or waits, takes the place of
 * the older one.
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

    private static final Duration RETRY = Duration.ofSeconds(1);

    final RetainedRecipient connection;
    final RetainedMessages retained;
    private final RetainedTransfers all;
    private volatile LiveSubscription subscription;
    private volatile boolean ended;
    private boolean committed;
    private boolean reading;
    /** Whether this gateway knows which topics there are, those of other gateways included; confined to who reads. */
    private boolean learned;

    private int failures;

    /** Null once no topic follows. */
    private Place place;

    private final RetainedPage page;
    private final RetainedCatchUp catchUp;

    /** @param all of the client: told once there is nothing more to do */
    RetainedTransfer(
            RetainedRecipient connection,
            RetainedMessages retained,
            RetainedTransfers all,
            LiveSubscription subscription,
            Place place) {
        this.connection = connection;
        this.retained = retained;
        this.all = all;
        this.subscription = subscription;
        this.place = place;
        this.page = new RetainedPage(retained.memory());
        this.catchUp = new RetainedCatchUp(retained.topics(), all.missed(), subscription.filter());
    }

    /**
     * A page that was read.
     *
     * @param covered the topics that it is all about, as far as anybody asks
     */
    record Loaded(List<Message> messages, List<TopicName> covered, Place next, long queuedTo, Duration retry) {
        static Loaded nothing(Place next) {
            return new Loaded(List.of(), List.of(), next, 0, null);
        }

        /** Nothing can be read now. */
        static Loaded later(Duration retry) {
            return new Loaded(List.of(), List.of(), null, 0, retry);
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

    /** Nothing more is sent; what newer messages were to be sent is noted again, as others may owe them. */
    void end() {
        ended = true;
        if (catchUp.hasBegun()) page.topics().forEach(all.missed()::add);
        catchUp.drop();
        page.drop();
    }

    /** From any thread. */
    boolean isOver() {
        return ended || connection.isClosed();
    }

    /** Goes on when the client is ready. */
    void run() {
        if (!connection.isReady() && !connection.isClosed()) connection.whenReady(this::soon);
        else if (isOver()) page.drop();
        else if (!page.isEmpty()) give();
        else if (place != null) load(this::search);
        else if (catchUp.isSettling()) later(RetainedCatchUp.SETTLING);
        else if (!catchUp.look()) load(this::finished);
        else if (catchUp.found().isEmpty()) soon();
        else load(catchingUp(catchUp.found(), catchUp.above()));
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
            var message = page.poll();
            if (message != null) connection.delivered(delivery(subscription, message));
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
        page.begin();
        Runnable read = () -> {
            var loaded = what.get();
            connection.loop().execute(() -> loaded(loaded));
        };
        StoreThreads.read(
                connection.clientId(), read, () -> connection.loop().execute(this::failed), connection::unreadable);
    }

    private void failed() {
        reading = false;
        page.failed();
        if (isOver()) return;
        if (++failures > 1) retained.late(connection.clientId());
        later(RETRY);
    }

    private void loaded(Loaded loaded) {
        reading = false;
        failures = 0;
        if (loaded == null || isOver()) {
            end();
            all.over(this);
            return;
        }
        // Copies in PostgreSQL cannot be made a second time.
        if (loaded.retry() != null || !page.fill(loaded.messages(), loaded.covered(), loaded.queuedTo() > 0)) {
            page.failed();
            later(loaded.retry() == null ? RETRY : loaded.retry());
            return;
        }
        for (var topicName : page.topics())
            if (!page.isOvertaken(topicName)) all.missed().remove(topicName);
        catchUp.read(loaded.covered());
        place = loaded.next();
        if (loaded.queuedTo() > 0) connection.tell(new Event.Queued(loaded.queuedTo()));
        soon(); // behind the event: the session knows then that it is not ready
    }

    /** Reads. Costs time in proportion to the names that it looks at, in slices. */
    private Loaded search() {
        // As long as what is read at the start does not tell all.
        if (!learned && !retained.knowsAll())
            retained.topics().learn(subscription.filter(), () -> isOver() || retained.knowsAll());
        learned = true;
        for (var from = place; from != null && !isOver(); ) {
            var found = retained.topics().find(subscription.filter(), from, mostTopics(), STEPS);
            if (!found.names().isEmpty()) return read(found);
            from = found.next();
            Thread.yield();
        }
        return Loaded.nothing(null);
    }

    int mostTopics() {
        return PAGE_TOPICS;
    }

    /**
     * Reads messages that are given as they are, and held by this gateway until then.
     *
     * @param above messages with a later stamp are wanted, up to the one that follows
     */
    final Loaded readLive(Found found, long above, long begun) {
        page.ask(found.names());
        var held = new HashMap<TopicName, Message>();
        var ask = new ArrayList<TopicName>();
        for (var name : found.names()) {
            var uncommitted = retained.topics().uncommitted(name);
            if (uncommitted == null) ask.add(name);
            else if (uncommitted.stamp() > above
                    && uncommitted.stamp() <= begun
                    && uncommitted.message().payload().length > 0)
                held.put(name, uncommitted.message().unretained());
        }
        var asked = new Asked(ask, above, begun, begun, subscription.maximumQoS(), PAGE_BYTES);
        var read = retained.reader().read(asked);
        for (var message : read.messages()) held.put(message.topicName(), message);
        var cut = read.covered() < ask.size() ? ask.get(read.covered()) : null;
        var messages = new ArrayList<Message>();
        var covered = new ArrayList<TopicName>();
        var bytes = 0L;
        for (var name : found.names()) {
            if (name == cut || bytes >= PAGE_BYTES)
                return new Loaded(messages, covered, Place.behind(covered.getLast()), 0, null);
            covered.add(name);
            var message = held.get(name);
            if (message == null) continue;
            messages.add(message);
            bytes += message.bytes();
        }
        return new Loaded(messages, covered, found.next(), 0, null);
    }

    /** From here on newer messages of these topics are noted. */
    final void ask(List<TopicName> topics) {
        page.ask(topics);
    }

    /** The client gets a newer message of this topic as it comes. */
    void overtaken(TopicName topicName) {
        page.overtaken(topicName);
    }

    boolean isOvertaken(TopicName topicName) {
        return page.isOvertaken(topicName);
    }

    /** Whether the client need not get a message as it comes, since the transfer gives it, or a newer one, or has just read one. */
    boolean takes(Message message) {
        var topicName = message.topicName();
        if (!catchUp.hasBegun() || !page.has(topicName)) {
            if (catchUp.isSettling()) all.note(topicName);
            return catchUp.isAhead(topicName);
        }
        if (!page.replace(message.unretained()) && catchUp.isOpen()) all.note(topicName);
        return true;
    }

    RetainedCatchUp catchUp() {
        return catchUp;
    }

    private Supplier<Loaded> catchingUp(List<TopicName> names, long above) {
        return () -> {
            var loaded = readLive(new Found(names, null), above, Long.MAX_VALUE);
            return new Loaded(live(loaded.messages()), loaded.covered(), null, 0, null);
        };
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
