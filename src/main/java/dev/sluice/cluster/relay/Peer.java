package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.ToAll;
import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;

/**
 * What this gateway has heard of another one: its numbers, and how much of its state is here. Confined to the relay's thread, except for its
 * {@link Listener}.
 */
final class Peer {
    /** The longest letter: many times the largest packet of MQTT that anybody allows. */
    private static final int LONGEST = 512 * 1024 * 1024;
    /** Bytes behind a marker whose answer is not here yet; above, they are not held back, and the question is asked again. */
    private static final long HELD = 16 * 1024 * 1024;

    final Gateway gateway;
    final Listener listener = new Listener();
    final Numbers board = new Numbers();
    final Numbers mailbox = new Numbers();
    /** Whether it has to see what is announced: it has lived at the start, or was heard. */
    boolean isListening;

    private boolean isComplete;
    private boolean wasComplete;
    private long question;
    private long progressAt;
    private final List<ToAll> answer = new ArrayList<>();
    /** Parts of the answer that have come, those included that say nothing to this gateway. */
    private int parts;

    private boolean isAnswered;
    /** What it has put on the board behind the marker of an answer that is not here yet; null if there is no such marker. */
    private Queue<RelayMessage> held;

    private long heldBytes;
    /** Whether it was said that it tells what this gateway does not know. */
    private boolean isNewer;
    /** Up to here it has been taken in. */
    private long taken;

    private long told;

    /** The numbers of what comes over one partition. */
    static final class Numbers {
        static final long UNKNOWN = 0;

        private long last = UNKNOWN;
        /** The beginning of a letter; null if there is none. */
        private ByteArrayOutputStream pieces;

        long last() {
            return last;
        }

        /** It begins behind this one, or with the next one that comes, if this is 0. */
        void begin(long number) {
            last = number;
            pieces = null;
        }

        boolean isRepeat(long number) {
            return number <= last;
        }

        /** Takes the number; false if one before it is missing. */
        boolean take(long number) {
            var follows = last == UNKNOWN || number == last + 1;
            last = number;
            if (!follows) pieces = null;
            return follows;
        }

        /** Returns the letter, or null if it goes on in the next record, or if its beginning is missing. */
        byte[] join(Envelope envelope) {
            if (!envelope.continued()) {
                pieces = null;
                if (!envelope.more()) return envelope.content();
                pieces = new ByteArrayOutputStream(2 * envelope.content().length);
            }
            if (pieces == null || pieces.size() > LONGEST) return null; // nobody sends that
            pieces.writeBytes(envelope.content());
            if (envelope.more()) return null;
            var letter = pieces.toByteArray();
            pieces = null;
            return letter;
        }
    }

    /** @param now in nanoseconds */
    Peer(Gateway gateway, long now) {
        this.gateway = gateway;
        this.progressAt = now; // it may be about to say that it has joined
    }

    boolean hasWritten(Envelope envelope) {
        return gateway.run() == envelope.run() && gateway.id().equals(envelope.sender());
    }

    /** It tells what this gateway does not know; true for the first time. */
    boolean findsNewer() {
        var isFirst = !isNewer;
        isNewer = true;
        return isFirst;
    }

    /** Whether all that it has announced is here. */
    boolean isComplete() {
        return isComplete;
    }

    /** Whether it has been complete once. */
    boolean wasComplete() {
        return wasComplete;
    }

    /** It begins its run with nothing. */
    void beginsWithNothing() {
        complete();
    }

    private void complete() {
        isComplete = true;
        wasComplete = true;
        isAnswered = false;
        clear();
    }

    private void clear() {
        answer.clear();
        parts = 0;
    }

    /** Something of it is missing, an answer that is on its way may not contain it. */
    void misses() {
        isComplete = false;
        question = 0;
        progressAt = 0;
        isAnswered = false;
        clear();
    }

    /** Asks it: answers to earlier questions do not count any more. Returns what was held back for the sake of one. */
    Queue<RelayMessage> asks(long number, long now) {
        question = number;
        progressAt = now;
        isAnswered = false;
        clear();
        return release();
    }

    boolean mayBeAsked(long now, long pause) {
        return !isComplete && (progressAt == 0 || now - progressAt > pause);
    }

    void part(Letter.Part part, long now) {
        if (part.question() != question || isComplete) return;
        if (part.message() != null) answer.add(part.message());
        parts++;
        progressAt = now;
    }

    /** Returns whether the marker has been waiting for this. */
    boolean end(Letter.End end) {
        if (end.question() != question || isComplete || end.parts() != parts) return false;
        isAnswered = true;
        return held != null;
    }

    /** Returns whether the answer has been waiting for this; if it is not here yet, what comes behind the marker is held back. */
    boolean marker(long number) {
        if (number != question || isComplete) return false;
        if (!isAnswered) held = new ArrayDeque<>();
        return isAnswered;
    }

    /** Whether announcements are held back now. */
    boolean isHolding() {
        return held != null;
    }

    /** Holds an announcement back; false if there is no room for it. */
    boolean hold(RelayMessage announcement, int bytes) {
        heldBytes += bytes;
        return heldBytes <= HELD && held.add(announcement);
    }

    /** Returns the whole state, which is complete herewith; then comes what was held back. */
    List<ToAll> takeAnswer() {
        var whole = List.copyOf(answer);
        complete();
        return whole;
    }

    /** Returns what was held back, and holds back nothing more. */
    Queue<RelayMessage> release() {
        var released = held == null ? new ArrayDeque<RelayMessage>(0) : held;
        held = null;
        heldBytes = 0;
        return released;
    }

    /** An announcement has come, up to this number. */
    void takes(long number) {
        taken = number;
    }

    /** The number up to which it may be told that it was seen; 0 if there is nothing to tell. */
    long toTell() {
        return isComplete && held == null && taken > told ? taken : 0;
    }

    void tells(long number) {
        told = number;
    }
}
