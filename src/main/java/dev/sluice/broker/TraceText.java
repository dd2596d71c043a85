package dev.sluice.broker;

import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.packet.Subscription;
import dev.sluice.session.Delivery;
import dev.sluice.session.Effect;
import dev.sluice.session.Event;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/**
 * Events and effects in words for a trace, one line each: never a payload, a password or the value of a property. Stateless.
 */
final class TraceText {
    private static final int LONGEST = 1000;

    private TraceText() {}

    static String of(Event event) {
        return line(
                switch (event) {
                    case Event.Received(var packet) -> "received " + of(packet);
                    case Event.Faulted(var fault, var version) -> "faulted " + version + " " + fault.getMessage();
                    case Event.SessionOpened(var present, var durable, var received, var lastSeq, var queued) ->
                        "session opened, present=" + present + " durable=" + durable + " received=" + received.keySet()
                                + " last-seq=" + lastSeq + " queued=" + queued;
                    case Event.OpenFailed(var reason, var why) -> "open failed " + reason + ": " + why;
                    case Event.Forwarded(var id, var qos, var outcome, var why, var messageId) ->
                        "Kafka has answered, id=" + id + " " + of(qos) + " " + outcome + given(" why", why)
                                + given(" message-id", messageId);
                    case Event.Accepted(var id, var outcome) -> "accepted id=" + id + " " + outcome;
                    case Event.Forgotten(var id) -> "forgotten id=" + id;
                    case Event.Subscribed(var id, var reasons, var why) ->
                        "subscribed id=" + id + " " + reasons + given(" why", why);
                    case Event.Unsubscribed(var id, var reasons, var why) ->
                        "unsubscribed id=" + id + " " + reasons + given(" why", why);
                    case Event.Deliver(var delivery) -> "deliver " + of(delivery);
                    case Event.QueueLoaded(var rows, var more) ->
                        "queue loaded, rows=" + rows.size() + " more=" + more + given(" first", first(rows));
                    case Event.Queued(var seq) -> "queued up to seq=" + seq;
                    case Event.QueueFailed() -> "queue failed";
                    case Event.PacketIdAssigned(var seq) -> "id assigned, seq=" + seq;
                    case Event.Marked(var seq) -> "marked seq=" + seq;
                    case Event.Deleted() -> "a row is deleted";
                    case Event.Resumed() -> "what is held may go on";
                    case Event.Drained() -> "the socket takes more";
                    case Event.Authenticated _ -> "authenticated";
                    case Event.Challenged _ -> "challenged";
                    case Event.Denied(var reason, var why) -> "denied " + reason + ": " + why;
                    case Event.Ended(var reason, var why) -> "ended " + reason + ": " + why;
                    case Event.Leave(var reason, var why) -> "to leave " + reason + ": " + why;
                    case Event.TransportClosed() -> "the socket has closed";
                });
    }

    static String of(Effect effect) {
        return line(
                switch (effect) {
                    case Effect.Send(var packet) -> "send " + of(packet);
                    case Effect.OpenSession(var connect, var grant) ->
                        "open the session, clean-start=" + connect.cleanStart() + " expiry=" + grant.sessionExpiry()
                                + " s";
                    case Effect.Authenticate _ -> "authenticate";
                    case Effect.ContinueAuthentication _ -> "go on with authentication";
                    case Effect.Reauthenticate _ -> "authenticate again";
                    case Effect.Start(var _) -> "start";
                    case Effect.Forward(var publish, var _) -> "forward to Kafka " + of(publish);
                    case Effect.Renew(var publish) -> "judge the token of " + of(publish);
                    case Effect.Accept(var publish, var _, var messageId) ->
                        "accept " + of(publish) + given(" message-id", messageId);
                    case Effect.Forget(var id) -> "forget id=" + id;
                    case Effect.Subscribe(var subscribe) -> "subscribe id=" + subscribe.packetId();
                    case Effect.Unsubscribe(var unsubscribe) -> "unsubscribe id=" + unsubscribe.packetId();
                    case Effect.LoadQueue(var after, var limit) ->
                        "load the queue after-seq=" + after + " limit=" + limit;
                    case Effect.AssignPacketId(var seq, var id) -> "assign id=" + id + " seq=" + seq;
                    case Effect.MarkReceived(var seq) -> "mark received seq=" + seq;
                    case Effect.Acknowledge(var seq, var sentSeq) -> "acknowledge seq=" + seq + " sent-seq=" + sentSeq;
                    case Effect.Settle(var _, var outcome) -> "settle " + outcome;
                    case Effect.Drop(var delivery, var why) -> "drop " + why + " " + of(delivery);
                    case Effect.Exceeded(var bound) -> "exceeded " + bound;
                    case Effect.Return(var left) -> "return deliveries=" + left.size() + given(" first", first(left));
                    case Effect.EndSession(var expiry, var reason, var sentSeq, var will) ->
                        "end the session, expiry=" + expiry + " s " + reason + " sent-seq=" + sentSeq + " will=" + will;
                    case Effect.Finish(var goesOn) -> "finish what is under way, session-goes-on=" + goesOn;
                    case Effect.Abandon(var publishes) -> "abandon publishes=" + publishes;
                    case Effect.Close(var reason, var why) -> "close " + reason + given(" why", why);
                });
    }

    private static String of(Packet packet) {
        return switch (packet) {
            case Packet.Connect it ->
                "CONNECT " + it.version() + " clean-start=" + it.cleanStart() + " keep-alive=" + it.keepAlive() + " s"
                        + " will=" + (it.will() != null) + " username=" + (it.username() != null) + " password="
                        + (it.password() != null) + of(it.properties());
            case Packet.ConnAck it ->
                "CONNACK " + it.reason() + " session-present=" + it.sessionPresent() + of(it.properties());
            case Packet.Publish it ->
                "PUBLISH " + it.topicName() + " " + of(it.qos()) + " id=" + it.packetId() + flag(it.dup(), " dup")
                        + flag(it.retain(), " retain") + " payload=" + it.payload().length + " bytes"
                        + of(it.properties());
            case Packet.PubAck(var id, var reason, var properties) -> "PUBACK id=" + id + " " + reason + of(properties);
            case Packet.PubRec(var id, var reason, var properties) -> "PUBREC id=" + id + " " + reason + of(properties);
            case Packet.PubRel(var id, var reason, var properties) -> "PUBREL id=" + id + " " + reason + of(properties);
            case Packet.PubComp(var id, var reason, var properties) ->
                "PUBCOMP id=" + id + " " + reason + of(properties);
            case Packet.Subscribe(var id, var subscriptions, var properties) ->
                "SUBSCRIBE id=" + id + " "
                        + subscriptions.stream().map(TraceText::of).collect(Collectors.joining(", ")) + of(properties);
            case Packet.SubAck(var id, var reasons, var properties) ->
                "SUBACK id=" + id + " " + reasons + of(properties);
            case Packet.Unsubscribe(var id, var filters, var properties) ->
                "UNSUBSCRIBE id=" + id + " " + String.join(", ", filters) + of(properties);
            case Packet.UnsubAck(var id, var reasons, var properties) ->
                "UNSUBACK id=" + id + " " + reasons + of(properties);
            case Packet.PingReq() -> "PINGREQ";
            case Packet.PingResp() -> "PINGRESP";
            case Packet.Disconnect(var reason, var properties) -> "DISCONNECT " + reason + of(properties);
            case Packet.Auth(var reason, var properties) -> "AUTH " + reason + of(properties);
        };
    }

    private static String of(Subscription subscription) {
        return subscription.filter() + " " + of(subscription.maximumQoS());
    }

    private static String of(Delivery delivery) {
        return of(delivery.message()) + " " + of(delivery.qos()) + " seq=" + delivery.seq()
                + flag(delivery.dup(), " dup") + flag(delivery.retain(), " retain") + given(" share", delivery.share());
    }

    private static String of(Message message) {
        return message.topicName() + " payload=" + message.payload().length + " bytes" + of(message.properties());
    }

    private static String of(QoS qos) {
        return "qos=" + qos.ordinal();
    }

    /** Which there are. */
    private static String of(Properties properties) {
        if (properties.isEmpty()) return "";
        var names = new StringJoiner(", ", " with ", "");
        properties.entries().stream().map(Map.Entry::getKey).forEach(name -> names.add(name.toString()));
        count(names, properties.userProperties().size(), "USER_PROPERTY");
        count(names, properties.subscriptionIdentifiers().size(), "SUBSCRIPTION_IDENTIFIER");
        return names.toString();
    }

    private static void count(StringJoiner names, int count, String name) {
        if (count > 0) names.add(count + " x " + name);
    }

    private static String first(List<Delivery> deliveries) {
        return deliveries.isEmpty() ? null : of(deliveries.getFirst());
    }

    private static String flag(boolean is, String name) {
        return is ? name : "";
    }

    /** Nothing for null. */
    private static String given(String name, String value) {
        return value == null ? "" : name + "=" + value;
    }

    /** Text that stays on its line, and does not fill the log. */
    static String line(String text) {
        var cut = text.length() > LONGEST ? text.substring(0, LONGEST) + "..." : text;
        return cut.replaceAll("\\p{Cntrl}", "?");
    }
}
