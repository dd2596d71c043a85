package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The JDK's strict decoder is the second opinion on every sequence of up to three bytes and the borders of four. */
class Utf8Test {
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private final CharBuffer chars = CharBuffer.allocate(8);

    @Test
    void allSequencesOfUpToThreeBytesAreJudgedAsTheJdkDoes() {
        for (int i = 0; i < 1 << 8; i++) check((byte) i);
        for (int i = 0; i < 1 << 16; i++) check((byte) (i >> 8), (byte) i);
        for (int i = 0xC0_00_00; i < 1 << 24; i += 5) check((byte) (i >> 16), (byte) (i >> 8), (byte) i);
    }

    @Test
    void theBordersOfFourBytesAreJudgedAsTheJdkDoes() {
        int[] tails = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0xBF, 0xC0, 0xFF};
        for (int lead = 0xE0; lead <= 0xFF; lead++) {
            for (int second = 0; second <= 0xFF; second++) {
                for (int third : tails) {
                    for (int fourth : tails) check((byte) lead, (byte) second, (byte) third, (byte) fourth);
                }
            }
        }
    }

    private void check(byte... bytes) {
        var wellFormed = isAccepted(bytes);
        if (Utf8.isWellFormed(bytes) != wellFormed || Utf8.isString(bytes) != (wellFormed && !hasZero(bytes)))
            assertThat(bytes).as("judged otherwise").isNull();
    }

    /** U+0000 is well-formed, and forbidden in strings only. */
    private static boolean hasZero(byte... bytes) {
        for (byte b : bytes) if (b == 0) return true;
        return false;
    }

    private boolean isAccepted(byte... bytes) {
        decoder.reset();
        return decoder.decode(ByteBuffer.wrap(bytes), chars.clear(), true).isUnderflow();
    }
}
