package dev.sluice.cluster.relay;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.RelayMessage;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/**
 * Owns what this gateway has heard of the others: takes their letters in order, finds what is missing, asks for it, and answers who asks.
 * Knows nothing of Kafka's consumer. Confined to the relay's thread.
 */
final class Correspondence {
    private static final Logger LOG = Logger.getLogger(Correspondence.class);
    private static final long ASK_AGAIN = Duration.ofSeconds(2).toNanos();
    /** A heartbeat that has not come back by then is followed by the next one. */
    private static final long LOST = Duration.ofSeconds(1).toNanos();
    /** Longer than a lease: who is dead is known to be, by then. */
    private static final long JOIN_TIME = Duration.ofSeconds(30).toNanos();

    private final Gateways gateways;
    private final Gateway self;
    private final Outboxes outboxes;
    private final Announcements announcements;
    private final CatchUps catchUps;
    private final Freshness freshness;
    private final Handlers handlers;
    private final LongSupplier nanoTime;
    private final RelayMeters meters;
    private final Strangers strangers;
    private final Departed departed;
    private final ThrottledLog complaints = new ThrottledLog(LOG);
    private final Map<Gateway, Peer> peers = new HashMap<>();
    /** Those whose answers it needs before it can serve. */
    private final Set<Gateway> awaited = new HashSet<>();

    private boolean hasJoined;
    private long joinedAt;
    /** Number of the latest heartbeat, and when it was written; one is under way at a time. */
    private long heartbeat;

    private long heartbeatAt;
    private boolean isHeartbeatBack = true;
    private long questions;

    Correspondence(
            Gateway self,
            Gateways gateways,
            Outboxes outboxes,
            Announcements announcements,
            CatchUps catchUps,
            Freshness freshness,
            Handlers handlers,
            LongSupplier nanoTime,
            RelayMeters meters) {
        this.nanoTime = nanoTime;
        this.heartbeatAt = nanoTime.getAsLong() - LOST;
        this.gateways = gateways;
        this.self = self;
        this.outboxes = outboxes;
        this.announcements = announcements;
        this.catchUps = catchUps;
        this.freshness = freshness;
        this.handlers = handlers;
        this.meters = meters;
        this.strangers = new Strangers(gateways);
        this.departed = new Departed(catchUps, handlers);
    }

    /** From here on, whatever others write is heard: asks everybody for all that was before. */
    void join() {
        look();
        joinedAt = nanoTime.getAsLong();
        hasJoined = true;
        awaited.addAll(peers.keySet());
        if (peers.isEmpty()) return;
        var question = ++questions;
        for (var peer : peers.values()) {
            peer.isListening = true;
            peer.asks(question, joinedAt);
        }
        tellAudience();
        var whole = handlers.whole();
        outboxes.post(new Letter.Joined(question, whole != null && whole.isEmpty()));
    }

    /** This gateway was away: asks everybody for all that was before. */
    void rejoin() {
        look();
        joinedAt = nanoTime.getAsLong();
        awaited.addAll(peers.keySet());
        for (var peer : peers.values()) {
            peer.isListening = true;
            peer.misses();
        }
        tellAudience();
    }

    boolean hasJoined() {
        return hasJoined;
    }

    /** Whether all that lived when this gateway joined have told their state, or are gone, or have had time enough. */
    boolean isComplete() {
        return hasJoined && awaited.isEmpty();
    }

    /** Those whose answers are awaited. */
    Collection<Gateway> awaited() {
        return List.copyOf(awaited);
    }

    /** Whether there is nobody who could have put something into the mailbox that is not taken in. */
    boolean hasReadAll() {
        return peers.isEmpty() && departed.isEmpty();
    }

    /** Learns who has come and who is gone. */
    void look() {
        var living = Set.copyOf(gateways.others());
        if (living.equals(peers.keySet())) return;
        for (var gone : List.copyOf(peers.keySet())) if (!living.contains(gone)) part(gone);
        for (var come : living) if (!peers.containsKey(come)) meet(come);
        if (peers.isEmpty()) meters.cameBack(0);
        tellAudience();
        outboxes.sweep();
        announcements.check();
    }

    /** The end of this run: what it knows of others is told anew to the next one. */
    void end() {
        for (var peer : List.copyOf(peers.keySet())) forget(peer);
        departed.clear();
        announcements.audience(List.of());
        announcements.check();
        meters.cameBack(0);
    }

    private void forget(Gateway gone) {
        peers.remove(gone).listener.goes();
        awaited.remove(gone);
        handlers.forget(gone);
    }

    private void part(Gateway gone) {
        LOG.infof("gateway %s is gone", gone.id());
        departed.add(peers.get(gone));
        forget(gone);
    }

    private void meet(Gateway come) {
        var peer = new Peer(come, nanoTime.getAsLong());
        peers.put(come, peer);
        LOG.infof("gateway %s is there, its mailbox is %d", come.id(), come.mailbox());
        var heard = strangers.meet(come);
        if (heard == null) {
            if (come.run() < self.run()) peer.misses(); // it was silent when this one joined
            return;
        }
        peer.isListening = true;
        peer.board.begin(heard.last());
        if (heard.isComplete()) peer.beginsWithNothing();
        else peer.misses();
        if (heard.question() > 0) {
            tellAudience();
            answer(peer, heard.question());
        }
    }

    private void tellAudience() {
        announcements.audience(peers.values().stream()
                .filter(peer -> peer.isListening)
                .map(peer -> peer.listener)
                .toList());
    }

    /** Takes a record of the board or of the own mailbox. */
    void take(boolean isBoard, byte[] record) {
        var envelope = RelayCodec.envelope(record);
        if (envelope == null) {
            meters.unreadable();
            return;
        }
        if (envelope.run() == self.run() && envelope.sender().equals(self.id())) {
            if (isBoard) cameBack(envelope.number());
            else if (RelayCodec.letter(envelope.content()) instanceof Letter.Mark(var mark)) hasTakenIn(mark);
            return;
        }
        if (envelope.addressee() != (isBoard ? Envelope.ALL : self.run())) {
            meters.otherRun();
            return;
        }
        var peer = peer(envelope);
        if (peer != null) {
            take(peer, isBoard, envelope);
            return;
        }
        if (!isBoard && departed.take(envelope)) return;
        // Who cannot ask PostgreSQL does not know those that have come since.
        if (isBoard && RelayCodec.letter(envelope.content()) instanceof Letter.Dead dead) hear(dead);
        if (!strangers.hear(isBoard, envelope)) meters.otherRun();
    }

    private void hear(Letter.Dead dead) {
        if (dead.run() == self.run() && dead.id().equals(self.id())) handlers.dead(dead.run());
    }

    private void cameBack(long number) {
        if (isHeartbeatBack || number < heartbeat) return;
        isHeartbeatBack = true;
        meters.cameBack(nanoTime.getAsLong() - heartbeatAt);
        freshness.cameBack(heartbeatAt);
    }

    /** All that the mailbox had when this mark was written is taken in. */
    private void hasTakenIn(long mark) {
        departed.cameBack(mark);
        catchUps.cameBack(mark);
    }

    private Peer peer(Envelope envelope) {
        for (var peer : peers.values()) if (peer.hasWritten(envelope)) return peer;
        return null;
    }

    private void take(Peer peer, boolean isBoard, Envelope envelope) {
        var numbers = isBoard ? peer.board : peer.mailbox;
        if (numbers.isRepeat(envelope.number())) {
            meters.repeated();
            return;
        }
        meters.received(envelope.content().length);
        hear(peer);
        if (!numbers.take(envelope.number())) miss(peer);
        var bytes = numbers.join(envelope);
        if (bytes == null) return;
        var letter = RelayCodec.letter(bytes);
        if (letter == null || letter instanceof Letter.Part part && part.message() == null) isNewer(peer);
        if (letter == null) {
            if (isBoard) peer.takes(envelope.number()); // there is nothing that could be done with it
        } else if (letter instanceof Letter.Told told) {
            take(peer, isBoard, envelope.number(), told.message(), bytes.length);
        } else {
            take(peer, envelope.number(), letter);
        }
    }

    /** What a later version tells so, earlier ones find in another way, or need not know. */
    private void isNewer(Peer peer) {
        meters.unreadable();
        if (peer.findsNewer())
            LOG.infof(
                    "gateway %s has another version: of what it tells, letters that this one does not know are left out,"
                            + " and counted in sluice_relay_ignored_total",
                    peer.gateway.id());
    }

    private void hear(Peer peer) {
        if (peer.isListening) return;
        peer.isListening = true;
        tellAudience();
    }

    /** Whoever keeps its state in PostgreSQL looks there; the rest is asked for. */
    private void miss(Peer peer) {
        meters.gap();
        complaints.warn("records of gateway " + peer.gateway.id() + " are missing, it is asked for its whole state");
        peer.misses();
        handlers.gap(peer.gateway);
    }

    private void take(Peer peer, boolean isBoard, long number, RelayMessage message, int bytes) {
        if (!isBoard) {
            handlers.handle(peer.gateway, message);
            return;
        }
        peer.takes(number);
        if (peer.isHolding()) {
            if (peer.hold(message, bytes)) return;
            ask(peer);
        }
        handlers.handle(peer.gateway, message);
    }

    private void take(Peer peer, long number, Letter letter) {
        switch (letter) {
            case Letter.Joined joined -> {
                if (number == 1 && joined.hasNothing()) beginsWithNothing(peer);
                answer(peer, joined.question());
            }
            case Letter.Question question -> answer(peer, question.question());
            case Letter.Marker marker -> {
                if (marker.askerRun() == self.run()
                        && marker.asker().equals(self.id())
                        && peer.marker(marker.question())) takeAnswer(peer);
            }
            case Letter.Part part -> peer.part(part, nanoTime.getAsLong());
            case Letter.End end -> {
                if (peer.end(end)) takeAnswer(peer);
            }
            case Letter.Seen seen -> peer.listener.sees(seen.number());
            case Letter.Dead dead -> hear(dead);
            case Letter.Heartbeat _, Letter.Mark _, Letter.Told _ -> {}
        }
    }

    private void beginsWithNothing(Peer peer) {
        peer.beginsWithNothing();
        awaited.remove(peer.gateway);
    }

    /** All that the other one has announced in front of the marker is in the answer, and what is behind it comes next. */
    private void takeAnswer(Peer peer) {
        var isFirst = !peer.wasComplete();
        peer.takes(peer.board.last());
        handlers.restate(peer.gateway, peer.takeAnswer());
        for (var message : peer.release()) handlers.handle(peer.gateway, message);
        if (isFirst) handlers.gap(peer.gateway);
        awaited.remove(peer.gateway);
    }

    /** The marker comes first: what is announced later may be in the answer, too, and what is not in the answer is announced later. */
    private void answer(Peer peer, long question) {
        outboxes.post(new Letter.Marker(peer.gateway.id(), peer.gateway.run(), question));
        var whole = handlers.whole();
        if (whole == null) return; // it asks again
        for (var message : whole) outboxes.send(peer.gateway, new Letter.Part(question, message));
        outboxes.send(peer.gateway, new Letter.End(question, whole.size()));
    }

    private void ask(Peer peer) {
        var question = ++questions;
        for (var message : peer.asks(question, nanoTime.getAsLong())) handlers.handle(peer.gateway, message);
        outboxes.send(peer.gateway, new Letter.Question(question));
    }

    /** Records may be gone that nobody has read: asks everybody for everything. The numbers go on, by which repeats are known. */
    void recordsLost() {
        peers.values().forEach(this::miss);
    }

    /** What is to be done after each look into Kafka. */
    void turn() {
        var now = nanoTime.getAsLong();
        for (var peer : peers.values()) {
            if (peer.mayBeAsked(now, ASK_AGAIN)) ask(peer);
            var number = peer.toTell();
            if (number == 0) continue;
            peer.tells(number);
            outboxes.send(peer.gateway, new Letter.Seen(number));
        }
        announcements.check();
        if (!peers.isEmpty() && mayBeat(now)) {
            heartbeatAt = now;
            isHeartbeatBack = false;
            heartbeat = outboxes.post(new Letter.Heartbeat());
            meters.heartbeat();
        }
        if (!awaited.isEmpty() && now - joinedAt > JOIN_TIME) giveUp();
    }

    /** One that does not come back may have been lost, unless Kafka takes nothing: then no more are put behind it. */
    private boolean mayBeat(long now) {
        if (isHeartbeatBack) return now - heartbeatAt >= freshness.interval();
        return now - heartbeatAt >= Math.max(LOST, freshness.interval()) && outboxes.isBoardWritten();
    }

    private void giveUp() {
        LOG.warnf(
                "these gateways live, and have not told their state within %d s; this one serves without it, and goes on"
                        + " asking: %s",
                Duration.ofNanos(JOIN_TIME).toSeconds(),
                awaited.stream().map(Gateway::id).sorted().collect(Collectors.joining(", ")));
        awaited.clear();
    }
}
