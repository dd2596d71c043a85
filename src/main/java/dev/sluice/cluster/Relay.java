package dev.sluice.cluster;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;

/**
 * Carries messages between gateways, through Kafka. What one gateway sends to one addressee arrives in order, once, or not at all if one of
 * them is gone. Any thread may send; handlers run on the relay's thread and must not block.
 */
public interface Relay {
    /** Whether there is nobody to send to. A volatile read: it may be asked for each message. */
    boolean isAlone();

    /**
     * Whether this gateway is alone, or knows what the others had to tell when this run of it began; from then on for the whole run. Before
     * that it must serve nobody: what it is given would not reach those whom only others know. A volatile read.
     */
    boolean isReady();

    /**
     * Whether what this gateway knows of the others is recent enough to serve by: who waits for a {@code sluice.relay.patience} once
     * Kafka has an announcement may count on that. After a freeze it is not, for a moment; if it does not become so within the patience,
     * this says true all the same. Any thread, for each message.
     */
    boolean isCurrent();

    /**
     * Whether nothing more is to be expected from this gateway's mailbox: it is alone, and has taken in what those left that were there
     * before, or cannot read it. Volatile reads.
     */
    boolean hasReadAll();

    /**
     * Waits until this gateway has taken in what lies in its mailbox by now. Never blocks.
     *
     * @param then run once, on any thread, possibly before this returns: then, or after ten times {@code sluice.relay.patience}, after three
     *     times that if Kafka takes nothing; at once if {@link #hasReadAll}
     */
    void catchUp(Runnable then);

    /**
     * Puts a message into a gateway's mailbox. Never blocks.
     *
     * <p>While Kafka is away it waits, and goes on by itself; whoever has waited long enough forgets about it.
     *
     * @param then told once whether Kafka has it, on any thread, possibly before this returns; true as well if the gateway is gone; false
     *     if Kafka refuses it for good, or if there is no room ({@code sluice.relay.bytes-in-flight})
     */
    void send(Gateway to, RelayMessage.ToOne message, Consumer<Boolean> then);

    /**
     * Tells all gateways. Never blocks. What this changes has to be changed in what {@link #whole} says before: a gateway that comes at
     * that moment gets it either way.
     *
     * <p>While Kafka is away, it waits, and {@code seen} is run after the patience, which begins once more when Kafka has it. Without room for it, it is left out, and the others ask
     * for the whole state.
     *
     * @param seen run once, on any thread, possibly before this returns: when all that live have taken it in, or after {@code
     *     sluice.relay.patience}; at once if there is nobody else
     */
    void announce(RelayMessage.ToAll message, Runnable seen);

    /**
     * Tells all gateways that a run was declared dead: it may be there, and only not able to ask PostgreSQL. Never blocks.
     *
     * @param id name of the gateway
     */
    void tellDead(String id, long run);

    /** Names who hears that a run of this gateway was declared dead. On the relay's thread, before the start. */
    void onDead(LongConsumer handler);

    /** Names who takes messages of a type, before the start. */
    <M extends RelayMessage> void on(Class<M> type, BiConsumer<Gateway, M> handler);

    /**
     * Names who says whether there is room for what lies in this gateway's mailbox. While there is not, it stays there, in its order; the
     * board is read on. Asked on the relay's thread for each letter; to be named before the start.
     */
    void readMailboxWhile(BooleanSupplier hasRoom);

    /**
     * Names who says all that this gateway has to tell a newcomer, in one go; called on the relay's thread. To be named before the start;
     * there may be several.
     */
    void whole(Supplier<List<RelayMessage.ToAll>> supplier);

    /**
     * Names who forgets what a gateway has announced: it is gone, or is about to tell its whole state anew. On the relay's thread, before the
     * start.
     */
    void onForgotten(Consumer<Gateway> handler);

    /**
     * Names who hears that a gateway has told its whole state, after {@link #onForgotten} and the messages: what had been there before and was
     * not told again is over. On the relay's thread, before the start.
     */
    void onRestated(Consumer<Gateway> handler);

    /**
     * Names who hears that something of a gateway may have been missed, what it has told when this one joined included: who keeps what is in
     * PostgreSQL, too, looks there. Comes after the whole state if it is the first one. On the relay's thread, before the start.
     */
    void onGap(Consumer<Gateway> handler);
}
