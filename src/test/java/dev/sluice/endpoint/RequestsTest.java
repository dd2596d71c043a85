package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpRequestDecoder;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RequestsTest {
    private static final String GET = "GET /x HTTP/1.1\r\n\r\n";

    private int tooLong;
    private int tooMany;
    private final Requests requests = new Requests(() -> tooLong++, () -> tooMany++);
    private final EmbeddedChannel channel =
            new EmbeddedChannel(new HttpRequestDecoder(), new HttpResponseEncoder(), requests);

    @AfterEach
    void release() {
        channel.finishAndReleaseAll();
    }

    private void send(String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1));
    }

    private long handedOn() {
        return channel.inboundMessages().stream()
                .filter(HttpRequest.class::isInstance)
                .count();
    }

    private static DefaultFullHttpResponse answer(HttpResponseStatus status) {
        return new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, status);
    }

    @Test
    void asManyRequestsAsMayBeAreHandedOn() {
        for (int i = 0; i < 3; i++) {
            send(GET.repeat(Requests.MOST));
            for (int k = 0; k < Requests.MOST; k++) {
                channel.write(
                        new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK), channel.voidPromise());
                channel.write(LastHttpContent.EMPTY_LAST_CONTENT, channel.voidPromise());
            }
            channel.flush();
        }
        assertThat(handedOn()).isEqualTo(3 * Requests.MOST);
        assertThat(channel.isOpen()).isTrue();
    }

    @Test
    void oneMoreClosesTheSocketAndIsDropped() {
        send(GET.repeat(Requests.MOST + 5));
        assertThat(handedOn()).isEqualTo(Requests.MOST);
        assertThat(channel.isOpen()).isFalse();
        assertThat(tooMany).isEqualTo(1);
        assertThat(tooLong).isZero();
    }

    /** They pile up outside of the heap. */
    @Test
    void anAnswerThatIsNotTakenIsNone() {
        for (int i = 0; i < Requests.MOST; i++) {
            send(GET);
            channel.write(answer(HttpResponseStatus.NOT_FOUND));
        }
        assertThat(channel.isOpen()).isTrue();
        send(GET);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void whatPrecedesAnAnswerIsNone() {
        for (int i = 0; i < Requests.MOST; i++) {
            send(GET);
            channel.writeAndFlush(answer(HttpResponseStatus.CONTINUE));
        }
        send(GET);
        assertThat(channel.isOpen()).isFalse();
    }

    @Test
    void aRequestIsReceivedUntilItsEnd() {
        send("POST /x HTTP/1.1\r\nContent-Length: 2\r\n\r\na");
        assertThat(requests.isReceiving()).isTrue();
        send("b");
        assertThat(requests.isReceiving()).isFalse();
    }

    @Test
    void aHeadThatIsTooLongIsTold() {
        send("GET /x HTTP/1.1\r\na: " + "x".repeat(10_000) + "\r\n\r\n");
        assertThat(tooLong).isEqualTo(1);
    }
}
