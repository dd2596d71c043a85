package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ReasonCode;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * One client's protocol state: events in, effects out. Confined to its connection's event loop; performs nothing itself,
 * and refuses an event that it is told from within an effect.
 */
public final class Session {
    private final Entrance entrance;
    private final QueueMemory memory;
    private final Holding holding;
    private final BooleanSupplier room;
    private final LongSupplier clock;
    private final Function<Delivery, Screening> screening;
    private Phase phase = new Phase.AwaitingConnect();
    private Inbound inbound;
    private Outbound outbound;
    /** SUBSCRIBEs and UNSUBSCRIBEs that are not answered yet. */
    private int subscribing;
    /** True while an event is being handled. */
    private boolean performing;

    /**
     * @param memory what all sessions share
     * @param holding what it may hold back of what the client publishes
     * @param room whether the socket takes more; without, what is to be sent waits for {@link Event.Drained}
     * @param clock milliseconds since 1970
     */
    public Session(Limits limits, QueueMemory memory, Holding holding, BooleanSupplier room, LongSupplier clock) {
        this(limits, memory, holding, room, clock, _ -> Screening.SEND);
    }

    /** @param screening looks at each message before it is sent */
    public Session(
            Limits limits,
            QueueMemory memory,
            Holding holding,
            BooleanSupplier room,
            LongSupplier clock,
            Function<Delivery, Screening> screening) {
        this.screening = screening;
        this.entrance = new Entrance(limits);
        this.memory = memory;
        this.holding = holding;
        this.room = room;
        this.clock = clock;
    }

    public Phase phase() {
        return phase;
    }

    /** Returns what CONNECT was granted; null before, and not for good before the client is known. */
    public Grant grant() {
        return entrance.grant();
    }

    /** Returns whether the socket may be read on: not while the client is judged or its session opens, nor with much held back, or many SUBSCRIBEs unanswered. */
    public boolean wantsMore() {
        return switch (phase) {
            case Phase.AwaitingConnect _, Phase.Closed _ -> true;
            case Phase.Authenticating _ -> entrance.auth().awaitsClient();
            case Phase.Opening _, Phase.Finishing _ -> false;
            case Phase.Online _ ->
                inbound.wantsMore() && subscribing < entrance.limits().input().unansweredSubscribes();
        };
    }

    /** Returns whether something that the client has published is held back. */
    public boolean isHolding() {
        return publishes() && inbound.isHolding();
    }

    /** Returns whether {@link Event.Resumed} would let something go on that is held back. */
    public boolean canResume() {
        return publishes() && inbound.canResume();
    }

    /** Returns whether something is held back because {@link Holding} has no room for it. */
    public boolean lacksRoom() {
        return publishes() && inbound.lacksRoom();
    }

    private boolean publishes() {
        return phase instanceof Phase.Online || phase instanceof Phase.Finishing;
    }

    /** Returns whether a message for the client would be sent at once. */
    public boolean isReady() {
        return phase instanceof Phase.Online && outbound.isReady();
    }

    /** Returns whether the client waits for Kafka or the journal: a packet of its has not been answered yet. */
    public boolean isWaiting() {
        return switch (phase) {
            case Phase.AwaitingConnect _, Phase.Authenticating _, Phase.Opening _, Phase.Closed _ -> false;
            case Phase.Online _ -> subscribing > 0 || inbound.isWaiting() || outbound.isWaiting();
            case Phase.Finishing _ -> inbound.isWaiting() || inbound.isHolding();
        };
    }

    /** Returns whether the client owes no answer, neither PUBREL for a PUBREC of this connection nor any to a PUBLISH. */
    public boolean isBetweenExchanges() {
        return !(phase instanceof Phase.Online) || !inbound.awaitsRelease() && !outbound.awaitsAnswer();
    }

    /** Returns the highest place of the durable queue that was sent, 0 for none. */
    public long sentSeq() {
        return outbound == null ? 0 : outbound.sentSeq();
    }

    /**
     * The connection is gone, however it ended: what waits for the client in memory is given up, and what is held of it, unless it has
     * said DISCONNECT.
     *
     * @return how many PUBLISHes were held
     */
    public int discard() {
        if (outbound != null) outbound.discard();
        return inbound == null || phase instanceof Phase.Finishing ? 0 : inbound.discard();
    }

    /** @throws IllegalStateException if it is told from within an effect of an earlier event */
    public void on(Event event, Consumer<Effect> out) {
        if (performing)
            throw new IllegalStateException(event.getClass().getSimpleName() + " is told from within an effect");
        performing = true;
        try {
            phase = next(event, out);
        } catch (MqttFault fault) {
            if (fault.bound() != null) out.accept(new Effect.Exceeded(fault.bound()));
            phase = refuse(fault.reason(), fault.getMessage(), out);
        } finally {
            performing = false;
        }
    }

    private Phase next(Event event, Consumer<Effect> out) {
        return switch (phase) {
            case Phase.AwaitingConnect _ -> awaitingConnect(event, out);
            case Phase.Authenticating authenticating -> authenticating(authenticating, event, out);
            case Phase.Opening opening -> opening(opening, event, out);
            case Phase.Online online -> online(online, event, out);
            case Phase.Finishing finishing -> finishing(finishing, event, out);
            case Phase.Closed closed -> closed(closed, event, out);
        };
    }

    /** Whoever waits to hear of a message learns that the client does not get it. */
    private static Phase closed(Phase.Closed closed, Event event, Consumer<Effect> out) {
        if (event instanceof Event.Deliver(var delivery)) Outbound.settle(delivery, Receipt.Outcome.LOST, out);
        return closed;
    }

    /** Only what Kafka and the journal say still matters; the client is not told. */
    private Phase finishing(Phase.Finishing finishing, Event event, Consumer<Effect> out) {
        switch (event) {
            case Event.Deliver(var delivery) -> Outbound.settle(delivery, Receipt.Outcome.LOST, out);
            case Event.PublishProgress progress -> publishProgress(progress, out);
            case Event.Progress _ -> {}
            case Event.Ended(var reason, var _) -> {
                // The client's next connection does not take away what this one has still to publish.
                if (reason == ReasonCode.SESSION_TAKEN_OVER) return finishing;
                inbound.abandon(out);
                return new Phase.Closed();
            }
            case Event.Leave _, Event.TransportClosed _ -> {}
            case Event.Received _, Event.Faulted _, Event.SessionOpened _, Event.OpenFailed _ -> {}
            case Event.OfAuthentication _ -> {}
        }
        return finishing;
    }

    private void publishProgress(Event.PublishProgress event, Consumer<Effect> out) {
        switch (event) {
            case Event.Forwarded done -> inbound.forwarded(done, out);
            case Event.Accepted(var packetId, var outcome) -> inbound.accepted(packetId, outcome, out);
            case Event.Forgotten(var packetId) -> inbound.forgotten(packetId, out);
            case Event.Resumed _ -> inbound.resume(out);
        }
    }

    private Phase awaitingConnect(Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.Received(Packet.Connect connect) -> entrance.connect(connect, out);
            case Event.Received _ -> // [MQTT-3.1.0-1]
                close(ReasonCode.PROTOCOL_ERROR, "the first packet is not CONNECT", out);
            case Event.Faulted(var fault, var spoken) -> {
                entrance.spoke(spoken);
                throw fault;
            }
            case Event.End end -> close(end.reason(), end.why(), out);
            case Event.TransportClosed _ -> new Phase.Closed();
            case Event.OfAuthentication _, Event.SessionOpened _, Event.OpenFailed _, Event.Progress _ -> phase;
        };
    }

    private Phase authenticating(Phase.Authenticating authenticating, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.Authenticated it -> entrance.authenticated(authenticating, it, out);
            case Event.Challenged(var data) -> {
                entrance.auth().challenged(data, out);
                yield authenticating;
            }
            case Event.Denied(var reason, var why) -> refuse(reason, why, out);
            case Event.Received(Packet.Auth auth) -> {
                entrance.auth().received(auth, out);
                yield authenticating;
            }
            case Event.Received(Packet.Disconnect _) -> close(ReasonCode.SUCCESS, "the client disconnected", out);
            case Event.Received _ ->
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "neither AUTH nor DISCONNECT before CONNACK");
            case Event.Faulted(var fault, var _) -> throw fault;
            case Event.End end -> refuse(end.reason(), end.why(), out);
            case Event.TransportClosed _ -> new Phase.Closed();
            case Event.SessionOpened _, Event.OpenFailed _, Event.Progress _ -> authenticating;
        };
    }

    private Phase opening(Phase.Opening opening, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.SessionOpened opened -> open(opening, opened, out);
            case Event.OpenFailed(var reason, var why) -> refuse(reason, why, out);
            case Event.End end -> refuse(end.reason(), end.why(), out);
            case Event.TransportClosed _ -> new Phase.Closed();
            case Event.Received _ -> throw new IllegalStateException("read while the session opens");
            case Event.Faulted(var fault, var _) -> throw fault;
            case Event.OfAuthentication _, Event.Progress _ -> opening;
        };
    }

    private Phase open(Phase.Opening opening, Event.SessionOpened opened, Consumer<Effect> out) {
        var version = entrance.version();
        var limits = entrance.limits();
        inbound = new Inbound(version.isV5(), opened.durable(), limits, grant(), opened.received(), holding, clock);
        outbound = new Outbound(version, limits, memory, grant(), opened, room, clock, screening);
        out.accept(new Effect.Send(entrance.accept(opening, opened.present())));
        out.accept(new Effect.Start(grant()));
        outbound.pump(out);
        return new Phase.Online(null);
    }

    private Phase online(Phase.Online online, Event event, Consumer<Effect> out) {
        return switch (event) {
            case Event.Received(var packet) -> received(online, packet, out);
            case Event.Faulted(var fault, var _) -> throw fault;
            case Event.Progress progress -> {
                progress(progress, out);
                yield online;
            }
            case Event.OfAuthentication it -> authenticatedAgain(online, it, out);
            case Event.Leave leave -> {
                outbound.leave();
                yield online.leave() == null ? new Phase.Online(leave) : online;
            }
            case Event.Ended(var reason, var why) -> refuse(reason, why, out);
            case Event.TransportClosed _ -> {
                end(ReasonCode.UNSPECIFIED_ERROR, true, out);
                inbound.abandon(out);
                yield new Phase.Closed();
            }
            case Event.SessionOpened _, Event.OpenFailed _ -> online;
        };
    }

    private Phase authenticatedAgain(Phase.Online online, Event.OfAuthentication event, Consumer<Effect> out) {
        switch (event) {
            case Event.Authenticated(var _, var data) -> entrance.auth().provedAgain(data, out);
            case Event.Challenged(var data) -> entrance.auth().challenged(data, out);
            case Event.Denied(var reason, var why) -> { // [MQTT-4.12.1-2]
                return refuse(reason, why, out);
            }
        }
        return online;
    }

    private void progress(Event.Progress event, Consumer<Effect> out) {
        switch (event) {
            case Event.Deliver(var delivery) -> outbound.deliver(delivery, out);
            case Event.PublishProgress done -> publishProgress(done, out);
            case Event.PacketIdAssigned(var seq) -> outbound.packetIdAssigned(seq, out);
            case Event.Marked(var seq) -> outbound.marked(seq, out);
            case Event.Deleted() -> outbound.deleted(out);
            case Event.QueueLoaded page -> outbound.loaded(page, out);
            case Event.Queued(var seq) -> outbound.queued(seq, out);
            case Event.QueueFailed _ -> outbound.loadFailed();
            case Event.Drained _ -> {
                inbound.requireRoom();
                outbound.drained(out);
            }
            case Event.Subscribed(var packetId, var reasons, var why) ->
                answer(new Packet.SubAck(packetId, reasons, reasonString(reasons.size(), why)), out);
            case Event.Unsubscribed(var packetId, var reasons, var why) ->
                answer(new Packet.UnsubAck(packetId, reasons, reasonString(reasons.size(), why)), out);
        }
    }

    private void answer(Packet acknowledgement, Consumer<Effect> out) {
        subscribing--;
        out.accept(new Effect.Send(acknowledgement));
    }

    private Phase received(Phase.Online online, Packet packet, Consumer<Effect> out) {
        var isToLeave = online.leave() != null;
        switch (packet) {
            // Unanswered, it comes again on the client's next connection.
            case Packet.Publish _ when isToLeave -> out.accept(new Effect.Abandon(1));
            case Packet.Subscribe _, Packet.Unsubscribe _ when isToLeave -> {}
            case Packet.Publish publish -> inbound.publish(publish, out);
            case Packet.PubRel release -> inbound.release(release, out);
            case Packet.PubAck answer -> outbound.acknowledged(answer, out);
            case Packet.PubRec answer -> outbound.received(answer, out);
            case Packet.PubComp answer -> outbound.completed(answer, out);
            case Packet.Subscribe subscribe -> {
                subscribing++;
                out.accept(new Effect.Subscribe(subscribe));
            }
            case Packet.Unsubscribe unsubscribe -> {
                subscribing++;
                out.accept(new Effect.Unsubscribe(unsubscribe));
            }
            case Packet.PingReq _ -> out.accept(new Effect.Send(new Packet.PingResp())); // [MQTT-3.12.4-1]
            case Packet.Disconnect bye -> {
                return disconnect(bye, out);
            }
            case Packet.Connect _ -> // [MQTT-3.1.0-2]
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "a second CONNECT on one connection");
            case Packet.Auth auth -> entrance.auth().received(auth, out);
            case Packet.ConnAck _, Packet.SubAck _, Packet.UnsubAck _, Packet.PingResp _ ->
                throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "a packet that only a server sends");
        }
        return online;
    }

    private Phase disconnect(Packet.Disconnect bye, Consumer<Effect> out) {
        var expiry = bye.properties().number(Property.SESSION_EXPIRY_INTERVAL, -1);
        if (expiry >= 0) entrance.expireIn(expiry);
        var withdrawsWill = bye.reason() == ReasonCode.SUCCESS; // [MQTT-3.1.2-10] [MQTT-3.14.4-3]
        end(bye.reason(), !withdrawsWill, out);
        inbound.finish();
        out.accept(new Effect.Finish(grant().sessionExpiry() > 0));
        out.accept(new Effect.Close(ReasonCode.SUCCESS, "the client disconnected"));
        return new Phase.Finishing();
    }

    /** Tells the client as its version allows, then closes: CONNACK before the session is open, DISCONNECT after. */
    private Phase refuse(ReasonCode reason, String why, Consumer<Effect> out) {
        switch (phase) {
            case Phase.AwaitingConnect _, Phase.Authenticating _, Phase.Opening _ -> {
                if (entrance.answersConnect(reason))
                    out.accept(
                            new Effect.Send(new Packet.ConnAck(false, reason.inConnAck(), entrance.reasonString(why))));
            }
            case Phase.Online _ -> {
                if (entrance.version().isV5())
                    out.accept(
                            new Effect.Send(new Packet.Disconnect(reason.inDisconnect(), entrance.reasonString(why))));
            }
            case Phase.Finishing _, Phase.Closed _ -> {}
        }
        return close(reason, why, out);
    }

    private Phase close(ReasonCode reason, String why, Consumer<Effect> out) {
        if (phase instanceof Phase.Online) {
            end(reason, true, out);
            inbound.abandon(out);
        }
        out.accept(new Effect.Close(reason, why));
        return new Phase.Closed();
    }

    private void end(ReasonCode reason, boolean publishWill, Consumer<Effect> out) {
        // A session that was taken over belongs to its new connection.
        if (reason != ReasonCode.SESSION_TAKEN_OVER)
            out.accept(new Effect.EndSession(grant().sessionExpiry(), reason, outbound.sentSeq(), publishWill));
        outbound.lose(out);
        var returned = outbound.returned();
        if (!returned.isEmpty()) out.accept(new Effect.Return(returned));
    }

    /** @param reasons how many come with it */
    private Properties reasonString(int reasons, String why) {
        return why == null || !entrance.version().isV5() ? Properties.NONE : grant().reasonString(why, reasons);
    }
}
