package dev.sluice.broker;

import dev.sluice.access.Attempt;
import dev.sluice.access.Authenticator;
import dev.sluice.access.Conversation;
import dev.sluice.access.Identity;
import dev.sluice.access.Peer;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.access.limit.Allowance;
import dev.sluice.access.limit.LimitPlan.Answer;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Property;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import dev.sluice.session.Limits;
import java.time.Instant;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * Owns who one connection's client is: has its credentials judged, keeps the identity, and knows when that ends. Confined to the
 * connection's event loop; {@link #identity}, {@link #held} and {@link #isBefore} may be asked by any thread.
 */
final class Proof {
    private static final Logger LOG = Logger.getLogger(Proof.class);

    private static final Event.Denied BUSY =
            new Event.Denied(ReasonCode.SERVER_BUSY, "too many clients prove who they are at the moment");
    private static final Event.Denied UNDER_WAY =
            new Event.Denied(ReasonCode.SERVER_BUSY, "the proof before this one is still being judged");
    private static final Event.Denied NOT_NOW =
            new Event.Denied(ReasonCode.SERVER_UNAVAILABLE, "credentials cannot be judged at the moment");

    private final Admission admission;
    private final Limits limits;
    private final Executor loop;
    private final Consumer<Event> session;
    /** Loses its credential once that was judged. */
    private Peer peer;

    /** Null before the client is known. */
    private volatile Identity identity;

    /** Null while nothing is limited. */
    private ClientLimits clientLimits;
    /** What these hold, for other threads. */
    private volatile Allowance held;

    private boolean hasLeft;
    private String clientId;
    private String username;
    private String method;
    /** Takes the client's next answer; null unless one is awaited. */
    private Conversation conversation;
    /** Is told what becomes of the proof that is under way. */
    private Consumer<Event> asker;
    /** The verdict that is awaited, so that one which comes too late counts no more; null for none. */
    private Object awaited;
    /** What judges now; null for none. */
    private Thread judging;
    /** When the proof began that is under way, or the last one. */
    private volatile long begun;
    /** When the client sent CONNECT; the JVM's nanoseconds. */
    private volatile long connectedAt;
    /** Since when the gateway judges, or the client's answer is awaited; the JVM's nanoseconds. */
    private long since;

    /**
     * @param limits what a client that is known is granted at most
     * @param loop the connection's
     * @param session is told what has become of a proof, on the loop, and reads on
     */
    Proof(Admission admission, Limits limits, Peer peer, Executor loop, Consumer<Event> session) {
        this.admission = admission;
        this.limits = limits;
        this.peer = peer;
        this.loop = loop;
        this.session = session;
        this.asker = session;
    }

    Peer peer() {
        return peer;
    }

    /** Null before the client is known. */
    Identity identity() {
        return identity;
    }

    /** Whether this client came before another one; any thread may ask. */
    boolean isBefore(Proof other) {
        return connectedAt - other.connectedAt < 0;
    }

    /** Null if nothing is limited, and before the client is known. */
    ClientLimits clientLimits() {
        return clientLimits;
    }

    /** What the client is counted with among those who share limits; null for nothing. Any thread may ask. */
    Allowance held() {
        return held;
    }

    /** Logs a fault of the gateway with whose connection it has met. */
    void logFault(Throwable bug) {
        LOG.errorf(bug, "client %s from %s", clientId == null ? null : TraceText.line(clientId), peer.socketAddress());
    }

    void perform(Effect.OfAuthentication effect) {
        switch (effect) {
            case Effect.Authenticate(var connect, var id) -> authenticate(connect, id);
            case Effect.ContinueAuthentication(var data) -> {
                var answered = conversation;
                conversation = null;
                judge(_ -> answered.answered(data));
            }
            case Effect.Reauthenticate(var data) -> {
                stop(); // a renewal, if one is under way
                begun = System.nanoTime();
                asker = session;
                var again = new Attempt(peer, clientId, username, null, method, data);
                judge(it -> it.judge(again));
            }
        }
    }

    /**
     * Has a newer token of a client that is online judged, which is the same client's afterwards.
     *
     * @param told is told what has become of it, on the loop and later
     */
    void renew(byte[] token, Consumer<Event> told) {
        if (awaited != null || conversation != null) {
            loop.execute(() -> told.accept(UNDER_WAY));
            return;
        }
        begun = System.nanoTime();
        asker = told;
        var renewal = Attempt.renewal(peer, clientId, token);
        judge(it -> it.judge(renewal));
    }

    private void authenticate(Packet.Connect connect, String clientId) {
        this.clientId = clientId;
        begun = System.nanoTime();
        connectedAt = begun;
        username = connect.username();
        var properties = connect.properties();
        method = properties.text(Property.AUTHENTICATION_METHOD);
        var data = properties.binary(Property.AUTHENTICATION_DATA);
        var attempt = new Attempt(peer, clientId, username, connect.password(), method, data);
        peer = peer.withoutAuthorization();
        var refusal = admission.limiter().connecting(peer);
        if (refusal == null) judge(it -> it.judge(attempt));
        else loop.execute(() -> session.accept(refusal));
    }

    private void judge(Function<Authenticator, Verdict> question) {
        since = System.nanoTime();
        var ticket = new Object();
        awaited = ticket;
        judging = admission.judge(question, verdict -> loop.execute(() -> settled(ticket, verdict)));
        if (judging != null) return;
        awaited = null;
        admission.countBusy();
        var busy = asker;
        loop.execute(() -> busy.accept(BUSY));
    }

    private void settled(Object ticket, Verdict verdict) {
        if (awaited != ticket) return;
        settle();
        try {
            judged(verdict);
        } catch (RuntimeException | Error bug) { // nobody else would end the wait of this client
            logFault(bug);
            asker.accept(NOT_NOW);
        }
    }

    private void judged(Verdict verdict) {
        switch (verdict) {
            case Verdict.Granted(var granted, var data) -> granted(granted, data);
            case Verdict.Denied(var reason, var logText) -> denied(reason, logText);
            case Verdict.Challenge(var data, var next) -> {
                conversation = next;
                since = System.nanoTime();
                asker.accept(new Event.Challenged(data));
            }
        }
    }

    private void granted(Identity granted, byte[] data) {
        if (identity != null
                && (identity.method() != granted.method() || !identity.name().equals(granted.name()))) {
            denied(
                    Reason.NOT_AUTHORIZED,
                    "it proves to be another user than before: " + TraceText.line(granted.name()));
            return;
        }
        var limited = limit(granted);
        if (limited != null) {
            asker.accept(limited);
            return;
        }
        identity = granted;
        // Withdrawn while it was judged, and before anybody who ends connections could see whose this one is.
        var withdrawn = admission.withdrawn(granted, begun);
        if (withdrawn == null) admission.countGranted();
        asker.accept(withdrawn == null ? new Event.Authenticated(bounds(), data) : withdrawn);
    }

    private Limits bounds() {
        return clientLimits == null ? limits : clientLimits.within(limits);
    }

    /** Takes the place of one more connection among those who share limits; or says why there is none. */
    private Event.Denied limit(Identity granted) {
        if (hasLeft) return null;
        var limiter = admission.limiter();
        switch (limiter.admit(granted, clientId, peer, clientLimits, identity == null)) {
            case Answer.Admitted(var allowance) -> {
                if (clientLimits != null) clientLimits.leave();
                clientLimits = allowance == null ? null : new ClientLimits(allowance, limiter);
                held = allowance;
                if (allowance != null) limiter.countRetained(allowance);
                return null;
            }
            case Answer.Refused refused -> {
                return limiter.refuse(refused, clientId);
            }
        }
    }

    /** The connection is gone. */
    void leave() {
        hasLeft = true;
        held = null;
        if (clientLimits != null) clientLimits.leave();
        clientLimits = null;
    }

    private void denied(Reason reason, String logText) {
        admission.count(reason);
        LOG.infof(
                "client %s from %s is refused: %s",
                TraceText.line(clientId), peer.socketAddress(), TraceText.line(logText));
        asker.accept(told(reason));
    }

    /** What the client may know: the same for whatever is wrong with a credential. */
    private static Event.Denied told(Reason reason) {
        return switch (reason) {
            case BAD_CREDENTIALS ->
                new Event.Denied(ReasonCode.BAD_USER_NAME_OR_PASSWORD, "the credentials are not accepted");
            case NOT_AUTHORIZED -> new Event.Denied(ReasonCode.NOT_AUTHORIZED, "the client may not connect");
            case BAD_METHOD ->
                new Event.Denied(ReasonCode.BAD_AUTHENTICATION_METHOD, "this authentication method is not offered");
            case PROTOCOL_ERROR ->
                new Event.Denied(ReasonCode.PROTOCOL_ERROR, "the Authentication Data is not what the method asks for");
            case BANNED -> new Event.Denied(ReasonCode.BANNED, "the client may not connect");
            case THROTTLED ->
                new Event.Denied(ReasonCode.CONNECTION_RATE_EXCEEDED, "too many failures; try again later");
            case BUSY -> BUSY;
            case UNAVAILABLE -> NOT_NOW;
        };
    }

    /**
     * What is to be told because of the time; null for nothing.
     *
     * @param answerWithin nanoseconds that the client has for its answer
     */
    Event late(long now, long answerWithin) {
        if (awaited != null && now - since > admission.timeout().toNanos()) return tooLate(NOT_NOW);
        if (conversation != null && now - since > answerWithin)
            return tooLate(new Event.Denied(ReasonCode.NOT_AUTHORIZED, "no answer to the challenge in time"));
        var until = identity == null ? null : identity.until();
        if (until == null || Instant.now().isBefore(until)) return null;
        return new Event.Ended(ReasonCode.NOT_AUTHORIZED, "the credential has expired");
    }

    private Event tooLate(Event.Denied denied) {
        admission.countLate();
        var isRenewal = asker != session;
        stop();
        return isRenewal ? null : denied;
    }

    /** Nobody waits for a verdict, nor for the client's answer, any more; whoever renews is told. */
    void stop() {
        if (judging != null) judging.interrupt();
        if (awaited != null && asker != session) {
            var renewal = asker;
            loop.execute(() -> renewal.accept(NOT_NOW));
        }
        settle();
    }

    private void settle() {
        judging = null;
        awaited = null;
        conversation = null;
    }
}
