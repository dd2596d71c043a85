package dev.sluice.support;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.message.ProduceRequestData;
import org.apache.kafka.common.message.ProduceResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.SimpleRecord;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.requests.RequestHeader;
import org.apache.kafka.common.requests.ResponseHeader;

/**
 * Writes into a partition under the producer id of another producer, by a request of its own making: as if that one had lost what it
 * knew, or had been fenced. Stateless.
 */
public final class ForeignProducer {
    /** The last version that names a topic by its name. */
    private static final short VERSION = 12;

    private ForeignProducer() {}

    /**
     * Writes so many records with consecutive numbers; they have neither headers nor keys.
     *
     * @param of whose producer id and partition 0 it is
     */
    public static void write(int port, String kafkaTopic, ProducerState of, int epoch, int firstSequence, int count) {
        var records = MemoryRecords.withIdempotentRecords(
                Compression.NONE,
                of.producerId(),
                (short) epoch,
                firstSequence,
                IntStream.range(0, count)
                        .mapToObj(_ -> new SimpleRecord(System.currentTimeMillis(), null, new byte[] {'?'}))
                        .toArray(SimpleRecord[]::new));
        var topic = new ProduceRequestData.TopicProduceData().setName(kafkaTopic);
        topic.partitionData()
                .add(new ProduceRequestData.PartitionProduceData().setIndex(0).setRecords(records));
        var data = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(10_000);
        data.topicData().add(topic);
        var answer = ask(port, new ProduceRequest(data, VERSION));
        var error = answer.responses()
                .iterator()
                .next()
                .partitionResponses()
                .getFirst()
                .errorCode();
        if (error != Errors.NONE.code()) throw new AssertionError(Errors.forCode(error));
    }

    private static ProduceResponseData ask(int port, ProduceRequest request) {
        var header = new RequestHeader(ApiKeys.PRODUCE, VERSION, "foreign", 1);
        var bytes = request.serializeWithHeader(header);
        try (var socket = new Socket("127.0.0.1", port);
                var out = new DataOutputStream(socket.getOutputStream());
                var in = new DataInputStream(socket.getInputStream())) {
            out.writeInt(bytes.remaining());
            out.write(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
            out.flush();
            var answer = ByteBuffer.wrap(in.readNBytes(in.readInt()));
            ResponseHeader.parse(answer, ApiKeys.PRODUCE.responseHeaderVersion(VERSION));
            return new ProduceResponseData(new ByteBufferAccessor(answer), VERSION);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
