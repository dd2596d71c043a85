package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TlsRecordsTest {
    private static final long PATIENCE = TimeUnit.MILLISECONDS.toNanos(20);

    private int cut;
    /** In nanoseconds; only {@link #pass} moves it. */
    private long now;

    private final EmbeddedChannel channel = channel();

    @AfterEach
    void release() {
        channel.finishAndReleaseAll();
    }

    private static byte[] record(int length) {
        return ByteBuffer.allocate(5 + length)
                .put((byte) 23)
                .putShort((short) 0x303)
                .putShort((short) length)
                .array();
    }

    /** A part of a record, and as much time as a whole one has. */
    private void send(byte[] bytes, int from, int to) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes, from, to - from));
    }

    private void pass() {
        pass(channel);
    }

    private void pass(EmbeddedChannel channel) {
        now += 2 * PATIENCE;
        channel.advanceTimeBy(2 * PATIENCE, TimeUnit.NANOSECONDS);
        channel.runScheduledPendingTasks();
    }

    private EmbeddedChannel channel() {
        var channel = new EmbeddedChannel(new TlsRecords(() -> cut++, PATIENCE, () -> now));
        channel.freezeTime();
        return channel;
    }

    @Test
    void wholeRecordsMayBeAnyTimeApart() {
        var random = new Random(1);
        var stream = ByteBuffer.allocate(200_000);
        for (int i = 0; i < 20; i++) stream.put(record(random.nextInt(1, 9_000)));
        var bytes = java.util.Arrays.copyOf(stream.array(), stream.position());
        for (int at = 0; at < bytes.length; ) {
            var next = Math.min(bytes.length, at + random.nextInt(1, 4_000));
            send(bytes, at, next);
            at = next;
        }
        pass();
        assertThat(channel.isOpen()).isTrue();
        for (int length : new int[] {0, 1, 16_640}) {
            send(record(length), 0, 5 + length);
            pass();
            assertThat(channel.isOpen()).as(length + " bytes").isTrue();
        }
        assertThat(cut).isZero();
    }

    @Test
    void halfARecordIsNotWaitedFor() {
        for (int part : new int[] {1, 4, 5, 104}) {
            var one = channel();
            one.writeInbound(Unpooled.copiedBuffer(record(7)), Unpooled.copiedBuffer(record(100), 0, part));
            pass(one);
            assertThat(one.isOpen()).as(part + " bytes").isFalse();
            one.finishAndReleaseAll();
        }
        assertThat(cut).isEqualTo(4);
    }

    /** Half a record may be whole in the kernel. */
    @Test
    void aChannelThatIsNotReadIsNotCut() {
        send(record(100), 0, 50);
        channel.config().setAutoRead(false);
        pass();
        assertThat(channel.isOpen()).isTrue();
        channel.config().setAutoRead(true);
        pass();
        assertThat(channel.isOpen()).isFalse();
    }
}
