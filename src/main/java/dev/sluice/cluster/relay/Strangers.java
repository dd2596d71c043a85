package dev.sluice.cluster.relay;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Owns what has come of gateways that PostgreSQL has not been heard to name yet: one that has just come writes before this gateway looks
 * again. Confined to the relay's thread.
 */
final class Strangers {
    private static final int MOST = 64;
    private static final long LOOK_AGAIN = Duration.ofMillis(200).toNanos();

    private final Gateways gateways;
    private final Map<Key, Heard> heard = new LinkedHashMap<>();
    private long lookAt = System.nanoTime();

    private record Key(String id, long run) {}

    /**
     * @param last number on the board
     * @param isComplete whether it has said nothing but that it has joined
     * @param question that it asks; 0 for none
     */
    record Heard(long last, boolean isComplete, long question) {}

    Strangers(Gateways gateways) {
        this.gateways = gateways;
    }

    /** Notes what has come of an unknown gateway; false if a later run of the same name is known: then it is not to come any more. */
    boolean hear(boolean isBoard, Envelope envelope) {
        var known = gateways.find(envelope.sender());
        if (known != null && known.run() > envelope.run()) return false;
        var key = new Key(envelope.sender(), envelope.run());
        var before = heard.getOrDefault(key, new Heard(0, false, 0));
        if (heard.size() >= MOST && !heard.containsKey(key))
            heard.remove(heard.keySet().iterator().next());
        heard.put(key, after(before, isBoard, envelope));
        var now = System.nanoTime();
        if (now - lookAt < 0) return true;
        lookAt = now + LOOK_AGAIN;
        gateways.refresh();
        return true;
    }

    private static Heard after(Heard before, boolean isBoard, Envelope envelope) {
        var letter = envelope.more() || envelope.continued() ? null : RelayCodec.letter(envelope.content());
        var question =
                switch (letter) {
                    case Letter.Joined joined -> joined.question();
                    case Letter.Question asked -> asked.question();
                    case null, default -> before.question;
                };
        if (!isBoard) return new Heard(before.last, before.isComplete, question);
        var isComplete = letter instanceof Letter.Joined joined && joined.hasNothing() && envelope.number() == 1
                || before.isComplete && envelope.number() == before.last + 1 && saysNothing(letter);
        return new Heard(Math.max(before.last, envelope.number()), isComplete, question);
    }

    /** Whether it says nothing that somebody would have to know. */
    private static boolean saysNothing(Letter letter) {
        return letter instanceof Letter.Heartbeat || letter instanceof Letter.Marker || letter instanceof Letter.Dead;
    }

    /** Returns what was heard of one that is known now; null if nothing was. */
    Heard meet(Gateway gateway) {
        return heard.remove(new Key(gateway.id(), gateway.run()));
    }
}
