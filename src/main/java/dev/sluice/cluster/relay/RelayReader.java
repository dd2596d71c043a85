package dev.sluice.cluster.relay;

import dev.sluice.clock.BackOff;
import dev.sluice.clock.ThrottledLog;
import dev.sluice.cluster.Gateways;
import dev.sluice.config.RelayConfig;
import dev.sluice.uplink.producer.RootCause;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.common.TopicPartition;
import org.jboss.logging.Logger;

/**
 * Owns the consumers that read the board and this gateway's mailbox, one after the other, and the place where the next one goes on. Confined to
 * the relay's thread, except for {@link #trouble} and {@link #stop}.
 */
final class RelayReader {
    private static final Duration ALONE = Duration.ofMillis(250);
    private static final Duration TOGETHER = Duration.ofMillis(100);
    /** A consumer that has lived so long is missed at once. */
    private static final long LONG_LIFE = Duration.ofSeconds(10).toNanos();
    /** Consumers that have failed at the same place, one after the other: what is there cannot be read. */
    private static final int FAILURES = 5;

    private final RelayConfig config;
    private final Gateways gateways;
    private final Map<String, Object> kafkaConfig;
    private final RelayTopic topic;
    private final Handlers handlers;
    private final RelayMeters meters;
    private final Map<TopicPartition, Long> positions = new HashMap<>();
    private final ThrottledLog complaints = new ThrottledLog(Logger.getLogger(RelayReader.class));
    private final BackOff pauses = new BackOff(Duration.ofMillis(250), Duration.ofSeconds(10));

    private Correspondence correspondence;
    private int mailbox;
    /** Null if there is none at the moment. */
    private volatile RelayConsumer consumer;

    private long openAt = System.nanoTime();
    private long openedAt;
    private int failures;
    /** Whether some records were gone before they could be read. */
    private boolean isMissing;
    /** Consumers that did not live for long, or could not be made, one after the other. */
    private int attempts;

    private volatile boolean stopped;
    /** Why nothing comes from others; null while the consumer works. */
    private volatile String trouble = "it has not been read yet";

    RelayReader(
            RelayConfig config,
            Gateways gateways,
            Map<String, Object> kafkaConfig,
            Handlers handlers,
            RelayMeters meters) {
        this.config = config;
        this.gateways = gateways;
        this.kafkaConfig = kafkaConfig;
        this.topic = new RelayTopic(config, kafkaConfig);
        this.handlers = handlers;
        this.meters = meters;
    }

    /** Another run of this gateway begins, with what comes from now on. */
    void begin(Correspondence with, int ownMailbox) {
        close();
        positions.clear();
        correspondence = with;
        mailbox = ownMailbox;
    }

    boolean isOpen() {
        return consumer != null;
    }

    /** Opens a consumer if it is time for one; false if there is none. */
    boolean open() throws InterruptedException {
        if (System.nanoTime() - openAt < 0) return false;
        openedAt = System.nanoTime();
        try {
            var sentence = topic.ensure(mailbox);
            if (sentence.isPresent()) {
                failed(sentence.get());
                return false;
            }
            if (topic.isAnother()) beginAgain();
            consumer = new RelayConsumer(
                    kafkaConfig, config.topic(), mailbox, positions, handlers::hasRoom, this::isSameTopic, meters);
            consumer.begin();
        } catch (RuntimeException | LinkageError failure) {
            failed(sentence(failure));
            return false;
        }
        trouble = null;
        if (!correspondence.hasJoined()) correspondence.join();
        else if (isMissing) correspondence.recordsLost();
        isMissing = false;
        return true;
    }

    /** What is there is another topic, in which what others have been acknowledged for lies from its beginning on. */
    private void beginAgain() {
        positions.replaceAll((_, _) -> 0L);
        isMissing = true;
    }

    /** The topic was deleted: another consumer has it created, and reads all that others have written by then. */
    void topicIsGone(String why) {
        beginAgain();
        failed(why);
    }

    /** Waits a moment for what comes, and has it taken. */
    void poll() throws InterruptedException {
        try {
            consumer.poll(gateways.isAlone() ? ALONE : TOGETHER, this::take);
        } catch (InvalidOffsetException gone) {
            isMissing = true;
            failed("what it has not read yet is gone: " + gone.getMessage());
        } catch (RuntimeException | LinkageError failure) {
            if (++failures >= FAILURES) {
                positions.clear(); // it goes on behind what it cannot read
                isMissing = true;
            }
            failed(sentence(failure));
        }
    }

    /** Whether it is the topic that was read before; if not, or if Kafka does not tell, another consumer begins. */
    private boolean isSameTopic() throws InterruptedException {
        var sentence = topic.ensure(mailbox);
        if (sentence.isEmpty() && topic.isSame()) return true;
        if (topic.isAnother()) topicIsGone("the Kafka topic " + config.topic() + " was deleted and made again");
        else failed(sentence.orElse("Kafka does not tell which topic " + config.topic() + " is"));
        return false;
    }

    private void take(boolean isBoard, byte[] record) {
        failures = 0;
        correspondence.take(isBoard, record);
    }

    private static String sentence(Throwable failure) {
        var root = RootCause.of(failure);
        return root.getMessage() == null ? root.toString() : root.getMessage();
    }

    /** Another consumer goes on where this one has ended, after a while. */
    private void failed(String why) {
        var hasLived = consumer != null && System.nanoTime() - openedAt > LONG_LIFE;
        attempts = hasLived ? 1 : attempts + 1;
        pauses.tried(hasLived);
        close();
        if (stopped) return;
        trouble = why;
        openAt = System.nanoTime() + pauses.pause().toNanos();
        if (attempts > 1) complain(why);
    }

    /** Once while it is alone: then it needs nobody to tell it anything. A topic that was just made may not be known everywhere at first. */
    private void complain(String why) {
        if (gateways.isAlone() && attempts > 2) return;
        complaints.warn(
                ("nothing comes from other gateways, this one can only serve alone; it tries again: %s (it needs Read,"
                                + " Write and Describe on the Kafka topic %s, and Create if that is missing)")
                        .formatted(why, config.topic()));
    }

    /** Why this gateway cannot serve together with others; null if it can, or need not. From any thread. */
    String trouble() {
        return trouble;
    }

    /** Nothing more is waited for; from any thread. */
    void stop() {
        stopped = true;
        var current = consumer;
        if (current != null) current.wakeup();
    }

    void close() {
        if (consumer != null) consumer.close();
        consumer = null;
    }
}
