package dev.sluice.broker;

import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicName;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Owns the order of what one client publishes for clients of other gateways: a retained message goes there once it is committed, and later
 * messages of its topic and QoS wait for it [MQTT-4.6.0-6]. Holds nothing while no retained message is on its way. Confined to the
 * connection's event loop.
 */
final class LetterOrder {
    /** Bytes of QoS 0 that may wait: nobody waits for their answers, so that nothing else bounds them while PostgreSQL is away. */
    private static final int MOST = 256 * 1024;

    private Map<Line, ArrayDeque<Place>> lines = Map.of();
    private int bytes;

    private record Line(TopicName topic, QoS qos) {
        static Line of(Publication publication) {
            return new Line(
                    publication.message().topicName(), publication.message().qos());
        }
    }

    private static final class Place {
        private final Publication publication;
        /** Null until it may be sent. */
        private Runnable sending;

        Place(Publication publication, Runnable sending) {
            this.publication = publication;
            this.sending = sending;
        }

        int bytes() {
            return publication.message().bytes();
        }
    }

    /** A retained message takes its place, until it is {@link #due} or {@link #giveUp given up}. */
    void reserve(Publication retained) {
        if (lines.isEmpty()) lines = new HashMap<>(4);
        lines.computeIfAbsent(Line.of(retained), _ -> new ArrayDeque<>(4)).add(new Place(retained, null));
    }

    /** Whether a message may be sent at once. */
    boolean isFree(Publication publication) {
        return lines.isEmpty() || !lines.containsKey(Line.of(publication));
    }

    /** Has a message wait that is not {@link #isFree free}; false if there is no room for one of QoS 0. */
    boolean add(Publication publication, Runnable sending) {
        if (publication.message().qos() == QoS.AT_MOST_ONCE && bytes >= MOST) return false;
        var place = new Place(publication, sending);
        bytes += place.bytes();
        lines.get(Line.of(publication)).add(place);
        return true;
    }

    /** A retained message may be sent; at once, if it has no place. */
    void due(Publication retained, Runnable sending) {
        var line = lines.isEmpty() ? null : lines.get(Line.of(retained));
        var place = line == null ? null : find(line, retained);
        if (place == null) {
            sending.run();
        } else {
            bytes += place.bytes();
            place.sending = sending;
            advance(Line.of(retained), line);
        }
    }

    /** A retained message is not going to be sent. */
    void giveUp(Publication retained) {
        var line = lines.isEmpty() ? null : lines.get(Line.of(retained));
        if (line == null) return;
        line.removeIf(place -> place.publication == retained && place.sending == null);
        advance(Line.of(retained), line);
    }

    /** Some retained message is not going to be sent: what waits is sent at once, and no place is kept. */
    void giveUpAll() {
        for (var each : List.copyOf(lines.entrySet())) {
            each.getValue().removeIf(place -> place.sending == null);
            advance(each.getKey(), each.getValue());
        }
    }

    private static Place find(ArrayDeque<Place> line, Publication retained) {
        for (var place : line) if (place.publication == retained && place.sending == null) return place;
        return null;
    }

    /** What is sent may have the client's next message come, too: that goes to the end of the line. */
    private void advance(Line key, ArrayDeque<Place> line) {
        while (!line.isEmpty() && line.peek().sending != null) {
            var place = line.remove();
            bytes -= place.bytes();
            place.sending.run();
        }
        if (!line.isEmpty() || lines.isEmpty()) return;
        lines.remove(key, line);
        if (lines.isEmpty()) lines = Map.of();
    }
}
