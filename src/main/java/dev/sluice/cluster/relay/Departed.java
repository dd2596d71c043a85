package dev.sluice.cluster.relay;

import dev.sluice.cluster.RelayMessage.Live;
import java.util.HashMap;
import java.util.Map;

/**
 * Owns the gateways that are gone, until this one has taken in the messages that they have put into its mailbox: their publishers were
 * acknowledged for that. Confined to the relay's thread.
 */
final class Departed {
    private final CatchUps catchUps;
    private final Handlers handlers;
    /** Each with the mark behind all that it has written. */
    private final Map<Peer, Long> marks = new HashMap<>();

    Departed(CatchUps catchUps, Handlers handlers) {
        this.catchUps = catchUps;
        this.handlers = handlers;
    }

    void add(Peer peer) {
        marks.put(peer, catchUps.mark());
    }

    void cameBack(long mark) {
        marks.values().removeIf(it -> it <= mark);
    }

    boolean isEmpty() {
        return marks.isEmpty();
    }

    /** The mailbox is another one's from now on. */
    void clear() {
        marks.clear();
    }

    /** Takes a record of the mailbox; false if it is of nobody here. Whatever it says besides messages, its end has said otherwise. */
    boolean take(Envelope envelope) {
        for (var peer : marks.keySet()) {
            if (!peer.hasWritten(envelope)) continue;
            if (peer.mailbox.isRepeat(envelope.number())) return true;
            peer.mailbox.take(envelope.number());
            var letter = peer.mailbox.join(envelope);
            if (letter != null && RelayCodec.letter(letter) instanceof Letter.Told(Live live))
                handlers.handle(peer.gateway, live);
            return true;
        }
        return false;
    }
}
