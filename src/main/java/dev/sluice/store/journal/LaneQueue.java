package dev.sluice.store.journal;

import dev.sluice.config.StoreConfig;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Owns the writes that wait for one lane, bounded in number and in bytes; any thread may offer, the lane's thread takes.
 *
 * <p>A message for very many sessions is in hand for many batches. What its client writes behind it waits for its end, and so does the next
 * such message with what its client writes; all others go on.
 */
final class LaneQueue {
    private static final Waiting END = new Waiting(new JournalWrite.ForgetReceived("", 0, 0, _ -> {}), 0);

    /** Of a copy's row, without its Subscription Identifiers. */
    private static final int COPY_BYTES = 256;
    /** A filter's objects, and its place in the arrays of a statement. */
    private static final int FILTER_BYTES = 256;
    /** Of the bound in bytes, what copies of one message count for at most: others are to find room beside it. */
    private static final int COPIES_SHARE = 4;

    private final int batchSize;
    private final long batchBytes;
    private final long mostBytes;
    private final BlockingQueue<Waiting> offered;
    /** Of the messages, records and Topic Filters that wait. */
    private final AtomicLong bytes = new AtomicLong();

    /** These are of the lane's thread, as the rest. */
    private final Queue<Waiting> ready = new ArrayDeque<>();

    private final Consumer<JournalWrite.Accept> notRetained;
    private List<Waiting> behind = new ArrayList<>();
    private final Set<String> held = new HashSet<>();
    private Instalments inHand;
    private long inHandBytes;
    private boolean hasEnded;
    private volatile int heldBack;

    /** @param bytes what it weighs for the bounds of the lane and of a batch */
    private record Waiting(JournalWrite write, long bytes) {}

    /** @param notRetained told of a message that will not be retained, although it was announced */
    LaneQueue(StoreConfig config, Consumer<JournalWrite.Accept> notRetained) {
        this.batchSize = config.batchSize();
        this.batchBytes = config.batchBytes();
        this.mostBytes = config.laneBytes();
        this.offered = new ArrayBlockingQueue<>(config.laneCapacity());
        this.notRetained = notRetained;
    }

    boolean offer(JournalWrite write) {
        var size = bytes(write);
        // Callers at the same time may each go above the bound by one message.
        if (size > 0 && bytes.get() >= mostBytes || !offered.offer(new Waiting(write, size))) return false;
        bytes.addAndGet(size);
        return true;
    }

    boolean hasRoom() {
        return bytes.get() < mostBytes && offered.remainingCapacity() > 0;
    }

    /** How many wait. */
    int size() {
        return offered.size() + heldBack;
    }

    /** Nothing is offered any more; waits that long for room to say so. */
    void end(long nanos) throws InterruptedException {
        offered.offer(END, nanos, TimeUnit.NANOSECONDS);
    }

    /** The message for very many sessions that is in hand, null for none. */
    Instalments inHand() {
        return inHand;
    }

    /**
     * Waits for one write, and takes what else is there up to the bounds; takes the next part of what is in hand, too. The batch may stay empty.
     *
     * @return false if nothing will come any more
     */
    boolean fill(List<JournalWrite> batch) throws InterruptedException {
        if (inHand != null && inHand.isDone()) letGo();
        if (inHand != null) batch.add(inHand.part());
        var taken = 0L;
        for (var next = first(batch.isEmpty()); next != null; next = poll()) {
            if (next == END) {
                hasEnded = true;
                break;
            }
            if (isHeld(next)) {
                holdBack(next);
                continue;
            }
            if (Instalments.isLarge(next.write())) {
                takeInHand(next);
                break;
            }
            batch.add(next.write());
            taken += next.bytes();
            if (batch.size() >= batchSize || taken >= batchBytes) break;
        }
        bytes.addAndGet(-taken);
        return !(batch.isEmpty() && hasEnded && inHand == null);
    }

    private Waiting first(boolean mayWait) throws InterruptedException {
        return mayWait && ready.isEmpty() && !hasEnded ? offered.take() : poll();
    }

    private Waiting poll() {
        var next = ready.poll();
        if (next == null) return offered.poll();
        heldBack--;
        return next;
    }

    private boolean isHeld(Waiting next) {
        return held.contains(next.write().clientId()) || inHand != null && Instalments.isLarge(next.write());
    }

    private void holdBack(Waiting next) {
        held.add(next.write().clientId());
        behind.add(next);
        heldBack++;
    }

    private void takeInHand(Waiting large) {
        var accept = (JournalWrite.Accept) large.write();
        inHand = new Instalments(accept, () -> notRetained.accept(accept));
        inHandBytes = large.bytes();
        held.add(accept.clientId());
    }

    /** What had to wait goes on, before what was offered later. */
    private void letGo() {
        bytes.addAndGet(-inHandBytes);
        inHand = null;
        held.clear();
        var waited = behind;
        behind = new ArrayList<>();
        heldBack -= waited.size();
        for (var next : waited) {
            if (isHeld(next)) {
                holdBack(next);
            } else if (Instalments.isLarge(next.write())) {
                takeInHand(next);
            } else {
                ready.add(next);
                heldBack++;
            }
        }
    }

    /** The message once, and the rows of its copies; or the records; or the filters. */
    private long bytes(JournalWrite write) {
        return switch (write) {
            case JournalWrite.Accept accept
            when accept.message() != null -> accept.message().bytes() + bytes(accept.copies());
            case JournalWrite.Spool spool ->
                spool.rows().stream().mapToLong(SpoolRow::bytes).sum();
            case JournalWrite.Subscribe subscribe ->
                subscribe.subscriptions().stream()
                        .mapToLong(each -> filterBytes(each.filter()))
                        .sum();
            case JournalWrite.Unsubscribe unsubscribe ->
                unsubscribe.filters().stream().mapToLong(LaneQueue::filterBytes).sum();
            default -> 0;
        };
    }

    private long bytes(List<Copy> copies) {
        var most = mostBytes / COPIES_SHARE;
        var sum = 0L;
        for (int i = 0; i < copies.size() && sum < most; i++)
            sum += COPY_BYTES + copies.get(i).bytes();
        return Math.min(sum, most);
    }

    private static long filterBytes(String filter) {
        return FILTER_BYTES + filter.length();
    }
}
