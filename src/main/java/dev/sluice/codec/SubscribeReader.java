package dev.sluice.codec;

import static dev.sluice.packet.ReasonCode.MALFORMED_PACKET;
import static dev.sluice.packet.ReasonCode.PROTOCOL_ERROR;
import static dev.sluice.packet.ReasonCode.QUOTA_EXCEEDED;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Subscription;
import dev.sluice.topic.TopicFilter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Owns how SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK are read (sections 3.8 to 3.11). Stateless. The syntax of a Topic
 * Filter is not judged here: SUBACK and UNSUBACK answer it filter by filter.
 */
final class SubscribeReader {
    private static final int QOS = 0b0000_0011;
    private static final int NO_LOCAL = 0b0000_0100;
    private static final int RETAIN_AS_PUBLISHED = 0b0000_1000;
    private static final int RESERVED = 0b1100_0000;
    private static final int RESERVED_V3 = 0b1111_1100;

    private SubscribeReader() {}

    static Packet.Subscribe readSubscribe(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        var properties = properties(version, PropertyPlace.SUBSCRIBE, in, bounds);
        checkPayload(in); // [MQTT-3.8.3-2]
        var subscriptions = new ArrayList<Subscription>(1);
        while (in.hasRemaining()) {
            checkEntries("SUBSCRIBE", subscriptions, bounds);
            subscriptions.add(readSubscription(version, in));
        }
        return new Packet.Subscribe(packetId, List.copyOf(subscriptions), properties);
    }

    static Packet.Unsubscribe readUnsubscribe(ProtocolVersion version, ByteBuffer in, InputBounds bounds) {
        var packetId = Wire.packetId(in);
        var properties = properties(version, PropertyPlace.UNSUBSCRIBE, in, bounds);
        checkPayload(in); // [MQTT-3.10.3-2]
        var filters = new ArrayList<String>(1);
        while (in.hasRemaining()) {
            checkEntries("UNSUBSCRIBE", filters, bounds);
            filters.add(readFilter(in));
        }
        return new Packet.Unsubscribe(packetId, List.copyOf(filters), properties);
    }

    static Packet.SubAck readSubAck(ProtocolVersion version, ByteBuffer in) {
        var packetId = Wire.packetId(in);
        var properties = properties(version, PropertyPlace.ANSWER, in, InputBounds.NONE);
        checkPayload(in);
        var reasons = readReasons(version.isV5() ? AllowedReasons.SUBACK : AllowedReasons.SUBACK_V3, in);
        return new Packet.SubAck(packetId, reasons, properties);
    }

    /** Without a payload in MQTT 3, with one reason code for each filter in MQTT 5. */
    static Packet.UnsubAck readUnsubAck(ProtocolVersion version, ByteBuffer in) {
        var packetId = Wire.packetId(in);
        if (!version.isV5()) return new Packet.UnsubAck(packetId, List.of(), Properties.NONE);
        var properties = properties(version, PropertyPlace.ANSWER, in, InputBounds.NONE);
        checkPayload(in);
        return new Packet.UnsubAck(packetId, readReasons(AllowedReasons.UNSUBACK, in), properties);
    }

    private static Subscription readSubscription(ProtocolVersion version, ByteBuffer in) {
        var filter = readFilter(in);
        var options = Wire.oneByte(in);
        if ((options & (version.isV5() ? RESERVED : RESERVED_V3)) != 0) {
            throw new MqttFault(MALFORMED_PACKET, "reserved subscription options"); // [MQTT-3.8.3-5]
        }
        var retainHandling = options >> 4;
        var noLocal = (options & NO_LOCAL) != 0;
        // A Protocol Error in MQTT 5, section 3.8.3.1; malformed by [MQTT-3-8.3-4] of 3.1.1.
        if ((options & QOS) == 3) throw new MqttFault(version.isV5() ? PROTOCOL_ERROR : MALFORMED_PACKET, "QoS 3");
        check(retainHandling != 3, "Retain Handling 3");
        check(!noLocal || !TopicFilter.isShared(filter), "No Local on a shared subscription"); // [MQTT-3.8.3-4]
        var retainAsPublished = (options & RETAIN_AS_PUBLISHED) != 0;
        return new Subscription(filter, QoS.of(options & QOS), noLocal, retainAsPublished, retainHandling);
    }

    private static void checkEntries(String packet, List<?> read, InputBounds bounds) {
        if (read.size() == bounds.subscribeEntries())
            throw InputBounds.fault(
                    QUOTA_EXCEEDED,
                    InputBounds.SUBSCRIBE_ENTRIES,
                    "more than " + bounds.subscribeEntries() + " Topic Filters in " + packet);
    }

    private static String readFilter(ByteBuffer in) {
        var filter = Wire.text(in);
        check(!filter.isEmpty(), "empty Topic Filter"); // [MQTT-4.7.3-1]
        return filter;
    }

    private static List<ReasonCode> readReasons(AllowedReasons allowed, ByteBuffer in) {
        var reasons = new ArrayList<ReasonCode>(in.remaining());
        while (in.hasRemaining()) reasons.add(allowed.read(in));
        return List.copyOf(reasons);
    }

    private static Properties properties(
            ProtocolVersion version, PropertyPlace place, ByteBuffer in, InputBounds bounds) {
        return version.isV5() ? PropertiesReader.read(place, in, bounds) : Properties.NONE;
    }

    private static void checkPayload(ByteBuffer in) {
        check(in.hasRemaining(), "no payload");
    }

    private static void check(boolean holds, String fault) {
        if (!holds) throw new MqttFault(PROTOCOL_ERROR, fault);
    }
}
