package dev.sluice.cluster.relay;

import dev.sluice.cluster.RelayMessage;
import dev.sluice.cluster.RelayMessage.Chosen;
import dev.sluice.cluster.RelayMessage.Ended;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Lagging;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Member;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Offer;
import dev.sluice.cluster.RelayMessage.OfferOutcome;
import dev.sluice.cluster.RelayMessage.Place;
import dev.sluice.cluster.RelayMessage.Queued;
import dev.sluice.cluster.RelayMessage.Reach;
import dev.sluice.cluster.RelayMessage.Reached;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.cluster.RelayMessage.Subscribed;
import dev.sluice.cluster.RelayMessage.TakenOver;
import dev.sluice.cluster.RelayMessage.Unsubscribed;
import dev.sluice.cluster.RelayMessage.Wanted;
import dev.sluice.cluster.RelayMessage.Withdrawn;
import dev.sluice.cluster.RelayMessage.Yielded;
import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MessageProperties;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.SessionsEnded.EndedSession;
import dev.sluice.store.session.StoredSubscription;
import dev.sluice.topic.TopicName;
import java.nio.ByteBuffer;

/**
 * The bytes of what gateways tell each other, behind a byte for its kind. A kind's bytes never change once a version with it was released: what has
 * to be said otherwise gets another kind, which earlier versions skip. Stateless.
 */
final class MessageCodec {
    private static final int INTEREST = 16;
    private static final int SUBSCRIBED = 17;
    private static final int UNSUBSCRIBED = 18;
    private static final int ENDED = 19;
    private static final int LIVE = 20;
    private static final int QUEUED = 21;
    private static final int TAKEN_OVER = 22;
    private static final int YIELDED = 23;
    private static final int OFFER = 24;
    private static final int OFFER_OUTCOME = 25;
    private static final int LAGGING = 26;
    private static final int WITHDRAWN = 27;
    private static final int MEMBERS = 28;
    private static final int READINESS = 29;

    private static final byte[] NOTHING = {};

    private MessageCodec() {}

    static void write(RelayMessage message, RelayBytes out) {
        switch (message) {
            case RelayMessage.ToAll all -> writeToAll(all, out);
            case RelayMessage.ToOne one -> writeToOne(one, out);
        }
    }

    private static void writeToAll(RelayMessage.ToAll message, RelayBytes out) {
        switch (message) {
            case Interest interest ->
                out.oneByte(INTEREST).list(interest.changes(), (wanted, to) -> to.text(wanted.filter())
                        .oneByte(wanted.reach().ordinal()));
            case Members members -> out.oneByte(MEMBERS).list(members.changes(), MessageCodec::write);
            case Readiness readiness ->
                out.oneByte(READINESS).flag(readiness.ready()).texts(readiness.clientIds());
            case Subscribed subscribed ->
                session(out.oneByte(SUBSCRIBED), subscribed.clientId(), subscribed.sessionId())
                        .number(subscribed.epoch())
                        .list(subscribed.subscriptions(), MessageCodec::write);
            case Unsubscribed gone ->
                session(out.oneByte(UNSUBSCRIBED), gone.clientId(), gone.sessionId())
                        .number(gone.epoch())
                        .texts(gone.filters());
            case Ended ended ->
                out.oneByte(ENDED)
                        .list(ended.sessions(), (session, to) -> session(to, session.clientId(), session.id()));
        }
    }

    private static void writeToOne(RelayMessage.ToOne message, RelayBytes out) {
        switch (message) {
            case Live live ->
                write(live.message(), out.oneByte(LIVE))
                        .textOrNull(live.publisher())
                        .flag(live.own())
                        .list(live.chosen(), MessageCodec::write);
            case Queued queued ->
                out.oneByte(QUEUED)
                        .list(queued.places(), (place, to) -> session(to, place.clientId(), place.sessionId())
                                .number(place.seq()));
            case TakenOver taken ->
                out.oneByte(TAKEN_OVER).text(taken.clientId()).number(taken.epoch());
            case Yielded yielded ->
                out.oneByte(YIELDED)
                        .text(yielded.clientId())
                        .number(yielded.epoch())
                        .number(yielded.sentSeq());
            case Offer offer ->
                write(offer.message(), out.oneByte(OFFER).number(offer.number()))
                        .flag(offer.own())
                        .list(offer.chosen(), MessageCodec::write)
                        .list(offer.reached(), MessageCodec::write);
            case OfferOutcome outcome ->
                out.oneByte(OFFER_OUTCOME)
                        .number(outcome.number())
                        .flag(outcome.any())
                        .list(outcome.reached(), MessageCodec::write)
                        .count(outcome.delivered())
                        .count(outcome.rejected())
                        .count(outcome.expired())
                        .count(outcome.lost());
            case Lagging lagging -> out.oneByte(LAGGING).number(lagging.number());
            case Withdrawn withdrawn -> out.oneByte(WITHDRAWN).number(withdrawn.number());
        }
    }

    /** Null for a kind that this gateway does not know. */
    static RelayMessage read(int kind, ByteBuffer in) {
        return switch (kind) {
            case INTEREST ->
                new Interest(RelayBytes.list(in, it -> new Wanted(RelayBytes.text(it), Reach.values()[it.get()])));
            case MEMBERS -> new Members(RelayBytes.list(in, MessageCodec::member));
            case READINESS -> new Readiness(RelayBytes.flag(in), RelayBytes.texts(in));
            case SUBSCRIBED ->
                new Subscribed(
                        RelayBytes.text(in),
                        in.getLong(),
                        in.getLong(),
                        RelayBytes.list(in, MessageCodec::subscription));
            case UNSUBSCRIBED ->
                new Unsubscribed(RelayBytes.text(in), in.getLong(), in.getLong(), RelayBytes.texts(in));
            case ENDED -> new Ended(RelayBytes.list(in, it -> new EndedSession(RelayBytes.text(it), it.getLong())));
            default -> readToOne(kind, in);
        };
    }

    private static RelayMessage.ToOne readToOne(int kind, ByteBuffer in) {
        return switch (kind) {
            case LIVE ->
                new Live(
                        message(in),
                        RelayBytes.textOrNull(in),
                        RelayBytes.flag(in),
                        RelayBytes.list(in, MessageCodec::chosen));
            case QUEUED ->
                new Queued(RelayBytes.list(in, it -> new Place(RelayBytes.text(it), it.getLong(), it.getLong())));
            case TAKEN_OVER -> new TakenOver(RelayBytes.text(in), in.getLong());
            case YIELDED -> new Yielded(RelayBytes.text(in), in.getLong(), in.getLong());
            case OFFER ->
                new Offer(
                        in.getLong(),
                        message(in),
                        RelayBytes.flag(in),
                        RelayBytes.list(in, MessageCodec::chosen),
                        RelayBytes.list(in, MessageCodec::reached));
            case OFFER_OUTCOME ->
                new OfferOutcome(
                        in.getLong(),
                        RelayBytes.flag(in),
                        RelayBytes.list(in, MessageCodec::reached),
                        in.getInt(),
                        in.getInt(),
                        in.getInt(),
                        in.getInt());
            case LAGGING -> new Lagging(in.getLong());
            case WITHDRAWN -> new Withdrawn(in.getLong());
            default -> null;
        };
    }

    private static RelayBytes session(RelayBytes out, String clientId, long id) {
        return out.text(clientId).number(id);
    }

    private static void write(Member member, RelayBytes out) {
        session(out, member.clientId(), member.sessionId())
                .text(member.share())
                .oneByte(member.reach().ordinal());
    }

    private static Member member(ByteBuffer in) {
        return new Member(RelayBytes.text(in), in.getLong(), RelayBytes.text(in), Reach.values()[in.get()]);
    }

    private static void write(Chosen chosen, RelayBytes out) {
        out.text(chosen.share()).text(chosen.clientId());
    }

    private static Chosen chosen(ByteBuffer in) {
        return new Chosen(RelayBytes.text(in), RelayBytes.text(in));
    }

    private static void write(Reached reached, RelayBytes out) {
        out.textOrNull(reached.client()).textOrNull(reached.share());
    }

    private static Reached reached(ByteBuffer in) {
        return new Reached(RelayBytes.textOrNull(in), RelayBytes.textOrNull(in));
    }

    private static void write(StoredSubscription subscription, RelayBytes out) {
        out.text(subscription.filter())
                .oneByte(subscription.qos().ordinal())
                .flag(subscription.noLocal())
                .flag(subscription.retainAsPublished())
                .oneByte(subscription.retainHandling())
                .count(subscription.identifier());
    }

    private static StoredSubscription subscription(ByteBuffer in) {
        return new StoredSubscription(
                RelayBytes.text(in), QoS.of(in.get()), RelayBytes.flag(in), RelayBytes.flag(in), in.get(), in.getInt());
    }

    /** What crosses over is how long the message has left: the clocks of two gateways may differ. */
    private static RelayBytes write(Message message, RelayBytes out) {
        var hasEnd = message.expiresAt() != Message.NEVER;
        return out.bytes(message.topicName().utf8())
                .oneByte(message.qos().ordinal())
                .flag(message.retain())
                .bytes(message.properties().isEmpty() ? NOTHING : MessageProperties.write(message.properties()))
                .bytes(message.payload())
                .flag(hasEnd)
                .number(hasEnd ? message.expiresAt() - System.currentTimeMillis() : 0);
    }

    private static Message message(ByteBuffer in) {
        var topicName = TopicName.ofUtf8(RelayBytes.bytes(in));
        var qos = QoS.of(in.get());
        var retain = RelayBytes.flag(in);
        var properties = properties(RelayBytes.bytes(in));
        var payload = RelayBytes.bytes(in);
        var hasEnd = RelayBytes.flag(in);
        var left = in.getLong();
        var expiresAt = hasEnd ? System.currentTimeMillis() + left : Message.NEVER;
        return new Message(topicName, qos, retain, properties, payload, expiresAt);
    }

    private static Properties properties(byte[] written) {
        return written.length == 0 ? Properties.NONE : MessageProperties.read(written, InputBounds.NONE);
    }
}
