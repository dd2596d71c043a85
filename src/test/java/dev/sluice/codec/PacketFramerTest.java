package dev.sluice.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.sluice.packet.ReasonCode;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PacketFramerTest {
    private final PacketFramer framer = new PacketFramer(100);

    @Test
    void aWholePacketIsASliceOfWhatArrived() {
        var in = ByteBuffer.wrap(hex("C000 E000")).position(2);
        var packet = framer.next(in);
        assertThat(packet.array()).isSameAs(in.array());
        assertThat(packet.arrayOffset() + packet.position()).isEqualTo(2);
        assertThat(packet.remaining()).isEqualTo(2);
        assertThat(in.hasRemaining()).isFalse();
    }

    @Test
    void theCallerMayStopBetweenPacketsAndGoOnLater() {
        var in = ByteBuffer.wrap(hex("C000 30020000 40"));
        assertThat(framer.next(in).remaining()).isEqualTo(2);
        assertThat(in.position()).isEqualTo(2);
        assertThat(framer.next(in).remaining()).isEqualTo(4);
        assertThat(in.position()).isEqualTo(6);
        assertThat(framer.isEmpty()).isTrue();
        assertThat(framer.next(in)).isNull();
        assertThat(framer.heldMemory()).isEqualTo(5);
        assertThat(framer.next(in)).isNull();
    }

    @Test
    void aPacketInPiecesIsWholeWithItsLastByte() {
        assertThat(framer.next(ByteBuffer.wrap(hex("30")))).isNull();
        assertThat(framer.next(ByteBuffer.wrap(hex("0500")))).isNull();
        assertThat(framer.next(ByteBuffer.wrap(hex("")))).isNull();
        assertThat(framer.heldMemory()).isEqualTo(5);
        var last = ByteBuffer.wrap(hex("01617879 C000"));
        assertThat(bytes(framer.next(last))).isEqualTo(hex("30050001617879"));
        assertThat(framer.isEmpty()).isTrue();
        assertThat(bytes(framer.next(last))).isEqualTo(hex("C000"));
    }

    @Test
    void aMegabyteInSmallPiecesIsOnePacket() {
        var large = new PacketFramer(1 << 21);
        var packet = ByteBuffer.allocate(1 << 20).put(0, hex("30FCFF3F"));
        ByteBuffer whole = null;
        for (int start = 0; start < packet.capacity(); start += 1024) {
            assertThat(whole).isNull();
            whole = large.next(packet.slice(start, 1024));
        }
        assertThat(whole).isEqualTo(packet);
    }

    @Test
    void nothingIsAllocatedForAPromisedLength() {
        var framers = new PacketFramer[10_000];
        for (int i = 0; i < framers.length; i++) {
            framers[i] = new PacketFramer(Integer.MAX_VALUE);
            assertThat(framers[i].next(ByteBuffer.wrap(hex("30FFFFFF7F00")))).isNull();
        }
        assertThat(framers).extracting(PacketFramer::heldMemory).containsOnly(6);
    }

    @Test
    void aPacketOfExactlyTheMaximumIsAccepted() {
        assertThat(framer.next(ByteBuffer.allocate(100).put(0, hex("3062"))).remaining())
                .isEqualTo(100);
    }

    @ParameterizedTest
    @CsvSource({"3063", "308001", "30FFFFFF7F"})
    void aLargerPacketIsRefusedOnceItsLengthIsKnown(String header) {
        assertThat(refusal(header)).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
    }

    @Test
    void aLargerPacketIsRefusedInPiecesToo() {
        assertThat(framer.next(ByteBuffer.wrap(hex("3080")))).isNull();
        assertThat(refusal("01")).isEqualTo(ReasonCode.PACKET_TOO_LARGE);
    }

    @ParameterizedTest
    @CsvSource({"3080808080", "30FFFFFFFF", "308000", "30FFFF8000"})
    void aWrongRemainingLengthIsMalformed(String header) {
        assertThat(refusal(header)).isEqualTo(ReasonCode.MALFORMED_PACKET);
    }

    @ParameterizedTest
    @CsvSource({"0,1", "127,1", "128,2", "16383,2", "16384,3", "2097151,3", "2097152,4", "268435455,4"})
    void aVariableByteIntegerHasTheSmallestSize(int value, int size) {
        var out = new PacketBuffer();
        out.putVariableByteInteger(value);
        assertThat(out.length()).isEqualTo(size).isEqualTo(VariableByteInteger.size(value));
        assertThat(VariableByteInteger.read(ByteBuffer.wrap(out.toByteArray()))).isEqualTo(value);
    }

    @Test
    void nothingButAConnectBeginsAConnection() {
        var first = PacketFramer.beforeConnect(100);
        assertThat(catchThrowableOfType(MqttFault.class, () -> first.next(ByteBuffer.wrap(hex("30FFFFFF7F"))))
                        .reason())
                .isEqualTo(ReasonCode.PROTOCOL_ERROR);
        assertThat(catchThrowableOfType(MqttFault.class, () -> first.next(ByteBuffer.wrap(hex("1063"))))
                        .reason())
                .isEqualTo(ReasonCode.PACKET_TOO_LARGE);
        first.admitAll(200);
        assertThat(first.next(ByteBuffer.allocate(180).put(0, hex("30B101"))).remaining())
                .isEqualTo(180);
        assertThat(first.next(ByteBuffer.wrap(hex("30B10100")))).isNull();
        first.drop();
        assertThat(first.isEmpty()).isTrue();
    }

    private ReasonCode refusal(String bytes) {
        return catchThrowableOfType(MqttFault.class, () -> framer.next(ByteBuffer.wrap(hex(bytes))))
                .reason();
    }

    private static byte[] bytes(ByteBuffer buffer) {
        var bytes = new byte[buffer.remaining()];
        buffer.get(bytes);
        return bytes;
    }

    private static byte[] hex(String text) {
        return HexFormat.of().parseHex(text.replace(" ", ""));
    }
}
