package dev.sluice.dev;

import java.util.BitSet;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.HdrHistogram.ConcurrentHistogram;

/** What became of each message of one demo: published, acknowledged, found in Kafka; may be used by any thread. */
final class Tally {
    private static final Pattern PAYLOAD =
            Pattern.compile("\\{\"run\":\"(\\w+)\",\"device\":(\\d+),\"seq\":(\\d+)[,}].*");

    private final String run;
    private final Device[] devices;
    private final AtomicLong published = new AtomicLong();
    private final AtomicLong settled = new AtomicLong();
    private final ConcurrentHistogram ackMicros = new ConcurrentHistogram(3);

    Tally(String run, int devices) {
        this.run = run;
        this.devices = Stream.generate(Device::new).limit(devices).toArray(Device[]::new);
    }

    /** The payload of a device's next message. */
    static String payload(String run, int device, int sequence) {
        return "{\"run\":\"%s\",\"device\":%d,\"seq\":%d,\"speed\":%d}".formatted(run, device, sequence, sequence % 90);
    }

    void published() {
        published.incrementAndGet();
    }

    void acknowledged(int device, int sequence, long nanos) {
        devices[device].acknowledged(sequence);
        ackMicros.recordValue(nanos / 1000);
        settled.incrementAndGet();
    }

    void failed() {
        settled.incrementAndGet();
    }

    /** A value read from Kafka; those of other runs are passed over. */
    void found(String value) {
        var payload = PAYLOAD.matcher(value);
        if (payload.matches() && payload.group(1).equals(run)) {
            devices[Integer.parseInt(payload.group(2))].found(Integer.parseInt(payload.group(3)));
        }
    }

    /** True when every message published has been acknowledged or has failed. */
    boolean isSettled() {
        return settled.get() == published.get();
    }

    long lost() {
        return Stream.of(devices).mapToLong(Device::lost).sum();
    }

    long acknowledged() {
        return Stream.of(devices).mapToLong(Device::acknowledged).sum();
    }

    private long found() {
        return Stream.of(devices).mapToLong(Device::found).sum();
    }

    String progress(long second) {
        return String.format(
                Locale.ROOT,
                "%4d s  published %,d  acknowledged %,d  in Kafka %,d",
                second,
                published.get(),
                acknowledged(),
                found());
    }

    String table() {
        return String.format(
                Locale.ROOT, """
                published       %,12d
                acknowledged    %,12d
                found in Kafka  %,12d
                lost            %,12d
                ack p50         %,12.1f ms
                ack p99         %,12.1f ms
                """, published.get(), acknowledged(), found(), lost(), percentile(50), percentile(99));
    }

    private double percentile(double percent) {
        return ackMicros.getValueAtPercentile(percent) / 1000.0;
    }

    /** One device's messages by sequence number; acknowledgements and Kafka records come on different threads. */
    private static final class Device {
        private final BitSet acknowledged = new BitSet();
        private final BitSet found = new BitSet();

        synchronized void acknowledged(int sequence) {
            acknowledged.set(sequence);
        }

        synchronized void found(int sequence) {
            found.set(sequence);
        }

        synchronized long acknowledged() {
            return acknowledged.cardinality();
        }

        synchronized long found() {
            return found.cardinality();
        }

        synchronized long lost() {
            var lost = (BitSet) acknowledged.clone();
            lost.andNot(found);
            return lost.cardinality();
        }
    }
}
