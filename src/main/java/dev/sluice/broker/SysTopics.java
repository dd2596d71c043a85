package dev.sluice.broker;

import dev.sluice.broker.routing.Deliveries;
import dev.sluice.broker.routing.Router;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.topic.TopicFilter;
import dev.sluice.topic.TopicName;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jboss.logging.Logger;

/**
 * The topics below {@code $SYS/broker/} that operators know from other brokers: the figures of this replica, published as
 * often as configured. One virtual thread publishes; any thread may ask.
 */
final class SysTopics {
    private static final Logger LOG = Logger.getLogger(SysTopics.class);

    private static final String BROKER = TopicName.SERVERS + "broker/";

    private final Router router;
    private final Deliveries deliveries;
    private final Duration interval;
    private final Map<String, LongSupplier> figures = new LinkedHashMap<>();
    private final CountDownLatch stopped = new CountDownLatch(1);
    private final long startedAt = System.nanoTime();

    /** @param online how many clients have an open session here */
    SysTopics(Router router, Deliveries deliveries, BrokerMeters meters, Duration interval, LongSupplier online) {
        this.router = router;
        this.deliveries = deliveries;
        this.interval = interval;
        figures.put("uptime", () -> TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - startedAt));
        figures.put("clients/connected", online);
        figures.put("subscriptions/count", router.totals()::count);
        figures.put("messages/received", meters::packetsReceived);
        figures.put("messages/sent", meters::packetsSent);
        figures.put("publish/messages/received", meters::publishesReceived);
        figures.put("publish/messages/sent", meters::publishesSent);
        figures.put("publish/messages/dropped", meters::deliveriesDropped);
    }

    /** Whether clients may subscribe to them. */
    boolean isOn() {
        return !interval.isZero();
    }

    void start() {
        if (isOn()) Thread.ofVirtual().name("sluice-sys-topics").start(this::run);
    }

    void stop() {
        stopped.countDown();
    }

    private void run() {
        try {
            while (!stopped.await(interval.toNanos(), TimeUnit.NANOSECONDS)) publish();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void publish() {
        try {
            figures.forEach((name, figure) -> deliveries.send(router.publication(message(name, figure), null)));
        } catch (RuntimeException | Error failure) {
            LOG.error("cannot publish the $SYS figures; they are tried again at the next interval", failure);
        }
    }

    /** Passes on the present figures whose topics match, for a client that subscribes. */
    void matching(TopicFilter filter, Consumer<Message> tell) {
        if (!isOn() || !filter.isServers()) return;
        figures.forEach((name, figure) -> {
            if (filter.matches(BROKER + name)) tell.accept(message(name, figure));
        });
    }

    private static Message message(String name, LongSupplier figure) {
        var payload = Long.toString(figure.getAsLong()).getBytes(StandardCharsets.US_ASCII);
        return new Message(
                TopicName.of(BROKER + name), QoS.AT_MOST_ONCE, false, Properties.NONE, payload, Message.NEVER);
    }
}
