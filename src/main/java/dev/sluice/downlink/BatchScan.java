package dev.sluice.downlink;

import dev.sluice.downlink.UnreadableBatch.Cause;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.kafka.clients.ApiVersions;
import org.apache.kafka.clients.ClientUtils;
import org.apache.kafka.clients.DefaultHostResolver;
import org.apache.kafka.clients.KafkaClient;
import org.apache.kafka.clients.ManualMetadataUpdater;
import org.apache.kafka.clients.NetworkClientUtils;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.IsolationLevel;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.message.FetchResponseData;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.requests.FetchRequest;
import org.apache.kafka.common.requests.FetchResponse;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.LogContext;
import org.apache.kafka.common.utils.Time;

/**
 * Finds the batch that Kafka's consumer has failed at. The consumer's exception names neither the batch's end nor, if the codec is
 * the matter, its partition, so that this asks Kafka for the batches as they are. Confined to the downlink's thread.
 */
final class BatchScan implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    /** The last version that names topics rather than their ids. */
    private static final short FETCH_VERSION = 12;

    private final boolean checksCrcs;
    private final int maxBytes;
    private final Metrics metrics = new Metrics();
    private final KafkaClient client;

    /** @param properties those of the consumer */
    BatchScan(Map<String, Object> properties) {
        var complete = new HashMap<>(properties);
        complete.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        complete.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, ByteArrayDeserializer.class);
        var config = new ConsumerConfig(complete);
        checksCrcs = config.getBoolean(ConsumerConfig.CHECK_CRCS_CONFIG);
        maxBytes = config.getInt(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG);
        client = ClientUtils.createNetworkClient(
                config,
                config.getString(ConsumerConfig.CLIENT_ID_CONFIG) + "-scan",
                metrics,
                "sluice-scan",
                new LogContext(),
                new ApiVersions(),
                Time.SYSTEM,
                1,
                (int) PATIENCE.toMillis(),
                new ManualMetadataUpdater(),
                new DefaultHostResolver());
    }

    /**
     * The first batch that cannot be read in what the consumer may have fetched from this offset on.
     *
     * @throws IOException when Kafka does not answer
     */
    Optional<UnreadableBatch> find(Node leader, TopicPartition partition, long from) throws IOException {
        var data = fetch(leader, partition, from, maxBytes);
        return switch (Errors.forCode(data.errorCode())) {
            case NONE -> scan(leader, partition, from, data);
            case CORRUPT_MESSAGE ->
                Optional.of(endless(partition, from, "Kafka itself finds no sound batch at this offset"));
            default -> Optional.empty(); // the consumer copes with the others
        };
    }

    private FetchResponseData.PartitionData fetch(Node leader, TopicPartition partition, long from, int bytes)
            throws IOException {
        if (!NetworkClientUtils.awaitReady(client, leader, Time.SYSTEM, PATIENCE.toMillis()))
            throw new IOException("no connection to " + leader);
        var wanted = new FetchRequest.PartitionData(Uuid.ZERO_UUID, from, -1, bytes, Optional.empty());
        var fetch = FetchRequest.Builder.forConsumer(FETCH_VERSION, 0, 0, Map.of(partition, wanted))
                .isolationLevel(IsolationLevel.READ_COMMITTED)
                .setMaxBytes(bytes);
        var request = client.newClientRequest(leader.idString(), fetch, Time.SYSTEM.milliseconds(), true);
        var response = (FetchResponse)
                NetworkClientUtils.sendAndReceive(client, request, Time.SYSTEM).responseBody();
        if (response.error() != Errors.NONE) throw response.error().exception();
        return response.data().responses().getFirst().partitions().getFirst();
    }

    private Optional<UnreadableBatch> scan(
            Node leader, TopicPartition partition, long from, FetchResponseData.PartitionData data) throws IOException {
        long next = from;
        try {
            var batches = FetchResponse.recordsOrFail(data).batches().iterator();
            while (batches.hasNext()) {
                var batch = (MutableRecordBatch) batches.next();
                if (batch.lastOffset() < from) continue;
                var mistake = mistake(batch);
                if (mistake != null) {
                    var following = batches.hasNext()
                            ? batches.next().baseOffset()
                            : following(leader, partition, batch, data.highWatermark());
                    return Optional.of(unreadable(partition, next, batch, mistake, following));
                }
                next = batch.nextOffset();
            }
            return Optional.empty();
        } catch (CorruptRecordException noBatch) {
            return Optional.of(endless(partition, next, noBatch.getMessage()));
        }
    }

    /** Where the batch behind the last one of a fetch begins, or the partition ends; 0 if Kafka shows neither. */
    private long following(Node leader, TopicPartition partition, MutableRecordBatch batch, long highWatermark)
            throws IOException {
        if (batch.lastOffset() + 1 == highWatermark) return highWatermark;
        var data = fetch(leader, partition, batch.baseOffset(), batch.sizeInBytes() + maxBytes);
        if (data.errorCode() != Errors.NONE.code()) return 0;
        var batches = FetchResponse.recordsOrFail(data).batches().iterator();
        if (batches.hasNext()) batches.next();
        return batches.hasNext() ? batches.next().baseOffset() : 0;
    }

    private record Mistake(Cause cause, String why) {
        static Mistake of(Cause cause, String why, Throwable thrown) {
            return new Mistake(cause, "%s (%s)".formatted(why, thrown));
        }
    }

    /** Null where there is none. */
    private Mistake mistake(RecordBatch batch) {
        try {
            if (checksCrcs) batch.ensureValid();
        } catch (CorruptRecordException wrong) {
            return Mistake.of(Cause.CORRUPT, "the batch is corrupt", wrong);
        }
        CompressionType codec;
        try {
            codec = batch.compressionType();
        } catch (IllegalArgumentException unknown) {
            return Mistake.of(Cause.UNKNOWN_CODEC, "the batch is compressed by a codec that nobody knows", unknown);
        }
        try (var records = batch.streamingIterator(BufferSupplier.NO_CACHING)) {
            records.forEachRemaining(record -> {
                if (checksCrcs) record.ensureValid();
            });
            return null;
        } catch (RuntimeException | LinkageError failed) {
            return isMissing(failed)
                    ? Mistake.of(Cause.CODEC_UNAVAILABLE, "the codec " + codec + " cannot be loaded here", failed)
                    : Mistake.of(
                            Cause.UNDECODABLE, "the batch, compressed by " + codec + ", cannot be decoded", failed);
        }
    }

    /** Returns whether a library or class could not be loaded, which Kafka's codecs sometimes wrap. */
    private static boolean isMissing(Throwable failed) {
        return Stream.iterate(failed, Objects::nonNull, Throwable::getCause).anyMatch(LinkageError.class::isInstance);
    }

    /**
     * @param next the first offset that may be in the batch
     * @param following where the next batch begins, or the partition ends: a header that says otherwise is not to be believed
     */
    private static UnreadableBatch unreadable(
            TopicPartition partition, long next, MutableRecordBatch batch, Mistake mistake, long following) {
        var first = Math.max(next, batch.baseOffset());
        var last = batch.lastOffset();
        if (last >= following) return endless(partition, first, mistake.why());
        var bytes = ByteBuffer.allocate(batch.sizeInBytes());
        batch.writeTo(bytes);
        var most = (int) Math.min(last - first + 1, Integer.MAX_VALUE);
        var count = batch.countOrNull();
        var records = count == null || count < 1 || count > most ? most : count;
        return new UnreadableBatch(partition, first, last, records, bytes.array(), mistake.cause(), mistake.why());
    }

    private static UnreadableBatch endless(TopicPartition partition, long first, String why) {
        return new UnreadableBatch(partition, first, UnreadableBatch.UNKNOWN, 1, null, Cause.CORRUPT, why);
    }

    @Override
    public void close() throws IOException {
        client.close();
        metrics.close();
    }
}
