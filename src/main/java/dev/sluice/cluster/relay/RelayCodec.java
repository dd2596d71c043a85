package dev.sluice.cluster.relay;

import dev.sluice.cluster.RelayMessage;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;

/**
 * The bytes of the relay topic's records: a head that every version of the gateway can read, then a letter, which begins with a byte for its
 * kind: 1 to 15 are letters of relays, the others are in {@link MessageCodec}. Stateless.
 */
final class RelayCodec {
    private static final int VERSION = 1;
    private static final int MORE = 1;
    private static final int CONTINUED = 2;

    private static final int JOINED = 1;
    private static final int MARKER = 2;
    private static final int HEARTBEAT = 3;
    private static final int QUESTION = 4;
    static final int PART = 5;
    private static final int END = 6;
    private static final int SEEN = 7;
    private static final int MARK = 8;
    private static final int DEAD = 9;

    private RelayCodec() {}

    static byte[] record(Envelope envelope) {
        return new RelayBytes()
                .oneByte(VERSION)
                .oneByte((envelope.continued() ? CONTINUED : 0) | (envelope.more() ? MORE : 0))
                .text(envelope.sender())
                .number(envelope.run())
                .number(envelope.number())
                .number(envelope.addressee())
                .rest(envelope.content())
                .toByteArray();
    }

    /** Null for what is no record of a version that this gateway knows. */
    static Envelope envelope(byte[] record) {
        if (record == null) return null;
        var in = ByteBuffer.wrap(record);
        try {
            if (in.get() != VERSION) return null;
            var flags = in.get();
            var sender = RelayBytes.text(in);
            return new Envelope(
                    sender,
                    in.getLong(),
                    in.getLong(),
                    in.getLong(),
                    (flags & CONTINUED) != 0,
                    (flags & MORE) != 0,
                    RelayBytes.rest(in));
        } catch (BufferUnderflowException cut) {
            return null;
        }
    }

    static byte[] letter(Letter letter) {
        var out = new RelayBytes();
        switch (letter) {
            case Letter.Told told -> MessageCodec.write(told.message(), out);
            case Letter.Joined joined ->
                out.oneByte(JOINED).number(joined.question()).flag(joined.hasNothing());
            case Letter.Marker marker ->
                out.oneByte(MARKER)
                        .text(marker.asker())
                        .number(marker.askerRun())
                        .number(marker.question());
            case Letter.Dead dead -> out.oneByte(DEAD).text(dead.id()).number(dead.run());
            case Letter.Heartbeat _ -> out.oneByte(HEARTBEAT);
            case Letter.Question question -> out.oneByte(QUESTION).number(question.question());
            case Letter.Part part ->
                MessageCodec.write(part.message(), out.oneByte(PART).number(part.question()));
            case Letter.End end -> out.oneByte(END).number(end.question()).count(end.parts());
            case Letter.Seen seen -> out.oneByte(SEEN).number(seen.number());
            case Letter.Mark mark -> out.oneByte(MARK).number(mark.number());
        }
        return out.toByteArray();
    }

    /** Null for what is no letter of a kind that this gateway knows. */
    static Letter letter(byte[] bytes) {
        try {
            return letter(ByteBuffer.wrap(bytes));
        } catch (RuntimeException unreadable) { // too short, or against a rule of what it is made into
            return null;
        }
    }

    private static Letter letter(ByteBuffer in) {
        var kind = in.get();
        return switch (kind) {
            case JOINED -> new Letter.Joined(in.getLong(), RelayBytes.flag(in));
            case MARKER -> new Letter.Marker(RelayBytes.text(in), in.getLong(), in.getLong());
            case HEARTBEAT -> new Letter.Heartbeat();
            case QUESTION -> new Letter.Question(in.getLong());
            case PART -> part(in);
            case END -> new Letter.End(in.getLong(), in.getInt());
            case SEEN -> new Letter.Seen(in.getLong());
            case MARK -> new Letter.Mark(in.getLong());
            case DEAD -> new Letter.Dead(RelayBytes.text(in), in.getLong());
            default -> {
                var message = MessageCodec.read(kind, in);
                yield message == null ? null : new Letter.Told(message);
            }
        };
    }

    private static Letter part(ByteBuffer in) {
        var question = in.getLong();
        var message = MessageCodec.read(in.get(), in);
        return message == null || message instanceof RelayMessage.ToAll
                ? new Letter.Part(question, (RelayMessage.ToAll) message)
                : null;
    }
}
