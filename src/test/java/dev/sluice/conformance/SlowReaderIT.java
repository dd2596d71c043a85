package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.Frames;
import dev.sluice.support.Gateway;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class SlowReaderIT {
    /** More than both kernels' buffers and the gateway's bound hold, and far less than its heap. */
    private static final long LIMIT = 40_000_000;

    /** A client that asks and never reads is not read any more; once it reads, every answer is there. */
    @Test
    void aClientThatDoesNotReadIsNotRead() throws Exception {
        var gateway = Gateway.shared();
        try (var client = Device.online(ProtocolVersion.V5, Device.id("slow"))) {
            var pings = new Packet[2000];
            Arrays.fill(pings, new Packet.PingReq());
            var frame = Frames.binary(client.bytes(pings));
            var sent = new AtomicLong();
            var writing = CompletableFuture.runAsync(() -> {
                while (sent.get() * frame.length < LIMIT) {
                    client.send(frame);
                    sent.incrementAndGet();
                }
            });
            Awaitility.await("the gateway stops reading")
                    .during(1500, TimeUnit.MILLISECONDS)
                    .until(sent::get, isSteady());
            assertThat(writing).isNotDone();
            var stoppedAt = sent.get();
            assertThat(gateway.metric("sluice_connections_online")).isPositive();
            for (long answers = 0; answers < stoppedAt * pings.length; answers++) client.receive(Packet.PingResp.class);
        }
    }

    /** True of a number that is what it was when it was last looked at. */
    private static org.hamcrest.Matcher<Long> isSteady() {
        return new org.hamcrest.TypeSafeMatcher<>() {
            private long last = -1;

            @Override
            protected boolean matchesSafely(Long now) {
                var steady = now == last;
                last = now;
                return steady;
            }

            @Override
            public void describeTo(org.hamcrest.Description description) {
                description.appendText("a number that stands still");
            }
        };
    }
}
