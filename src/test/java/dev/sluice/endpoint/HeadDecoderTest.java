package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.broker.PartialInput;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.vertx.core.http.HttpServerOptions;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class HeadDecoderTest {
    private static final String LINE = "a:b\r\n";
    private static final String POST = "POST /x HTTP/1.1\r\n";

    private final PartialInput heads = new PartialInput(40_000);
    private final List<String> gone = new ArrayList<>();
    private final EmbeddedChannel channel = channel("first");

    private EmbeddedChannel channel(String name) {
        var options = new HttpServerOptions().setMaxHeaderSize(20_000);
        return new EmbeddedChannel(new HeadDecoder(options, heads, () -> gone.add(name)));
    }

    @AfterEach
    void release() {
        channel.finishAndReleaseAll();
    }

    private static void send(EmbeddedChannel channel, String text) {
        channel.writeInbound(Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1));
    }

    private void assertWhole() {
        HttpRequest head = channel.readInbound();
        assertThat(head.decoderResult().isSuccess()).isTrue();
        Object part;
        do part = channel.readInbound();
        while (part != null && !(part instanceof LastHttpContent));
        assertThat(part).isInstanceOf(LastHttpContent.class);
        assertThat(channel.inboundMessages()).isEmpty();
        assertThat(heads.bytes()).isZero();
    }

    @Test
    void linesOfABodyAreNoLinesOfAHead() {
        var body = LINE.repeat(1000);
        var head = POST + "Content-Length: " + body.length() + "\r\n" + LINE.repeat(99) + "\r\n";
        for (int i = 0; i < 2; i++) {
            send(channel, head + body);
            assertWhole();
        }
    }

    @Test
    void aHeadOfTooManyLinesIsRefused() {
        send(channel, POST);
        for (int i = 0; i < 50; i++) send(channel, LINE + LINE);
        assertThat(channel.inboundMessages()).isEmpty();
        send(channel, LINE);
        HttpObject refused = channel.readInbound();
        assertThat(refused.decoderResult().cause()).isInstanceOf(TooLongHttpHeaderException.class);
        assertThat(heads.bytes()).isZero();
    }

    @Test
    void linesBehindABodyCountAsWell() {
        send(channel, POST + "Transfer-Encoding: chunked\r\n\r\n0\r\n" + LINE.repeat(100));
        HttpRequest head = channel.readInbound();
        assertThat(head.decoderResult().isSuccess()).isTrue();
        HttpObject refused = channel.readInbound();
        assertThat(refused.decoderResult().cause()).isInstanceOf(TooLongHttpHeaderException.class);
    }

    @Test
    void whatIsHeldOfAHeadIsNotedUntilItIsWhole() {
        send(channel, POST + LINE.repeat(20));
        assertThat(heads.bytes()).as("little").isZero();
        send(channel, LINE.repeat(70));
        assertThat(heads.bytes()).isBetween(13_500L, 15_000L);
        send(channel, "x".repeat(8_000));
        assertThat(heads.bytes()).as("with half a line").isGreaterThan(21_500);
        send(channel, ":\r\nContent-Length: 0\r\n\r\n");
        assertThat(heads.bytes())
                .as("what the decoder keeps to read such lines with")
                .isBetween(8_000L, 20_000L);
        channel.close();
        assertThat(heads.bytes()).isZero();
    }

    @Test
    void aHeadThatComesInPiecesIsWhole() {
        for (var piece : POST.split("(?<=\\G.{3})")) send(channel, piece);
        send(channel, "Content-Length: 3\r\n\r\nx");
        send(channel, "yz");
        assertWhole();
    }

    @Test
    void theHeadThatBeganFirstHasToGo() {
        send(channel, POST + LINE.repeat(90));
        var second = channel("second");
        send(second, POST + LINE.repeat(90));
        var third = channel("third");
        send(third, POST + LINE.repeat(90));
        assertThat(gone).containsExactly("first");
        second.finishAndReleaseAll();
        third.finishAndReleaseAll();
        assertThat(heads.bytes()).isZero();
    }
}
