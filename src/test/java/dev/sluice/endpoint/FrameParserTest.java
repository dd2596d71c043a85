package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.endpoint.FrameParser.Kind;
import dev.sluice.endpoint.FrameParser.Violation;
import dev.sluice.support.Frames;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FrameParserTest {
    private static final int BINARY = Frames.BINARY;
    private static final int CONTINUATION = Frames.CONTINUATION;
    private static final int PING = Frames.PING;
    private static final int PONG = Frames.PONG;
    private static final int CLOSE = Frames.CLOSE;

    private final FrameParser parser = new FrameParser();
    /** What was parsed: data as one piece however it came, control frames between. */
    private final List<String> parsed = new ArrayList<>();

    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    private void parse(byte[] piece) {
        var in = ByteBuffer.wrap(piece.clone());
        while (parser.next(in)) {
            var payload = new byte[parser.payload().remaining()];
            parser.payload().get(payload);
            if (parser.kind() == Kind.DATA) {
                data.writeBytes(payload);
            } else {
                flush();
                parsed.add(parser.kind() + " " + HexFormat.of().formatHex(payload));
            }
        }
        assertThat(in.hasRemaining()).isFalse();
    }

    private void flush() {
        if (data.size() > 0) parsed.add("DATA " + HexFormat.of().formatHex(data.toByteArray()));
        data.reset();
    }

    private List<String> parsed() {
        flush();
        return parsed;
    }

    private static byte[] bytes(int length, int seed) {
        var bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static String data(byte[]... pieces) {
        return "DATA " + HexFormat.of().formatHex(Frames.join(pieces));
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 8, 125, 126, 127, 65535, 65536, 100_000})
    void everyLengthIsRead(int length) {
        var payload = bytes(length, length);
        parse(Frames.masked(true, BINARY, payload));
        parse(Frames.masked(true, BINARY, new byte[] {9}));
        assertThat(parsed()).containsExactly(data(payload, new byte[] {9}));
    }

    @Test
    void aFrameComesOneByteAtATime() {
        for (int length : new int[] {0, 5, 126, 70_000}) {
            parsed.clear();
            var payload = bytes(length, 1);
            for (byte piece : Frames.join(
                    Frames.masked(true, BINARY, payload),
                    Frames.masked(true, PING, payload.length > 125 ? new byte[3] : payload))) parse(new byte[] {piece});
            assertThat(parsed()).hasSize(length == 0 ? 1 : 2);
            if (length > 0) assertThat(parsed.getFirst()).isEqualTo(data(payload));
        }
    }

    @Test
    void pingsMayComeBetweenContinuations() {
        parse(Frames.join(
                Frames.masked(false, BINARY, new byte[] {1}),
                Frames.masked(true, PING, new byte[] {2}),
                Frames.masked(false, CONTINUATION, new byte[] {3}),
                Frames.masked(true, PING, new byte[0]),
                Frames.masked(true, CONTINUATION, new byte[] {4}),
                Frames.masked(true, CLOSE, new byte[] {3, (byte) 232})));
        assertThat(parsed()).containsExactly("DATA 01", "PING 02", "DATA 03", "PING ", "DATA 04", "CLOSE 03e8");
    }

    @Test
    void aHugeFrameStreamsThrough() {
        parse(Frames.header(true, BINARY, 1L << 40));
        for (int i = 0; i < 100; i++) parse(new byte[1000]);
        assertThat(data.size()).isEqualTo(100_000);
    }

    @ParameterizedTest
    @CsvSource({
        "a frame that is not masked, 82 01 00",
        "a ping that is not masked, 89 00",
        "a close that is not masked, 88 00",
        "a pong in parts that is not masked, 0A 00",
        "a pong of 126 bytes that is not masked, 8A 7E 00 7E",
        "a length of 125 in two bytes, 82 FE 00 7D 00 00 00 00",
        "a length of 65535 in eight bytes, 82 FF 00 00 00 00 00 00 FF FF 00 00 00 00",
        "the first reserved bit, C2 81 00 00 00 00 00",
        "the second reserved bit, A2 81 00 00 00 00 00",
        "the third reserved bit, 92 81 00 00 00 00 00",
        "opcode 3, 83 81 00 00 00 00 00",
        "opcode 7, 87 81 00 00 00 00 00",
        "opcode B, 8B 80 00 00 00 00",
        "opcode F, 8F 80 00 00 00 00",
        "a ping in parts, 09 80 00 00 00 00",
        "a close in parts, 08 80 00 00 00 00",
        "a ping of 126 bytes, 89 FE 00 7E 00 00 00 00",
        "a close of 65536 bytes, 88 FF 00 00 00 00 00 01 00 00 00 00 00 00",
        "a continuation of nothing, 80 81 00 00 00 00 00",
        "a continuation of nothing that goes on, 00 81 00 00 00 00 00",
        "a message within a message, 02 80 00 00 00 00 82 80 00 00 00 00",
        "a length with its highest bit set, 82 FF 80 00 00 00 00 00 00 00 00 00 00 00"
    })
    void isAViolation(String what, String hex) {
        var bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        var whole = catchThrowableOfType(Violation.class, () -> parse(bytes));
        assertThat(whole).as(what).isNotNull();
        assertThat(whole.status()).isEqualTo(1002);
        var other = new FrameParserTest();
        var piecewise = catchThrowableOfType(Violation.class, () -> {
            for (byte piece : bytes) other.parse(new byte[] {piece});
        });
        assertThat(piecewise).as(what).isNotNull();
    }

    @Test
    void aPongNeedNotBeMasked() {
        parse(Frames.join(
                Frames.unmasked(PONG, new byte[] {7, 8}),
                Frames.masked(true, BINARY, new byte[] {1}),
                Frames.unmasked(PONG, new byte[0])));
        assertThat(parsed()).containsExactly("PONG 0708", "DATA 01", "PONG ");
        assertThat(parser.isMasked()).isFalse();
    }

    @Test
    void textIsAViolationOfItsOwn() {
        var violation = catchThrowableOfType(Violation.class, () -> parse(Frames.masked(true, 1, new byte[] {65})));
        assertThat(violation.status()).isEqualTo(1003);
    }

    @Test
    void everySplitOfAStreamIsParsedTheSame() {
        var random = new Random(6455);
        for (int round = 0; round < 300; round++) {
            var stream = randomStream(random);
            var whole = new FrameParserTest();
            whole.parse(stream);
            var split = new FrameParserTest();
            for (int at = 0; at < stream.length; ) {
                var length = Math.min(1 + random.nextInt(1 << random.nextInt(1, 12)), stream.length - at);
                split.parse(java.util.Arrays.copyOfRange(stream, at, at + length));
                at += length;
            }
            assertThat(split.parsed()).as("round %d", round).isEqualTo(whole.parsed());
        }
    }

    private static byte[] randomStream(Random random) {
        var stream = new ByteArrayOutputStream();
        var inMessage = false;
        for (int i = random.nextInt(12); i >= 0; i--) {
            if (random.nextInt(4) == 0) {
                stream.writeBytes(Frames.masked(true, PING, bytes(random.nextInt(126), i), random.nextInt()));
            } else {
                var fin = random.nextBoolean();
                var length = random.nextInt(1 << random.nextInt(1, 18));
                var opcode = inMessage ? CONTINUATION : BINARY;
                stream.writeBytes(Frames.masked(fin, opcode, bytes(length, i), random.nextInt()));
                inMessage = !fin;
            }
        }
        return stream.toByteArray();
    }
}
