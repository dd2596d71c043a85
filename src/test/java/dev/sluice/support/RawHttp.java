package dev.sluice.support;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import javax.net.ssl.SSLException;

/** A socket on which any bytes may be sent as HTTP requests; used by one thread. */
public final class RawHttp implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 15_000;
    private static final String[] HANDSHAKE = {
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: mqtt"
    };

    private final Socket socket;
    private final InputStream in;

    public RawHttp(int port) {
        this(port, "127.0.0.1");
    }

    /** @param from the address to connect from */
    public RawHttp(int port, String from) {
        this(port, from, null);
    }

    /** @param tls null for none */
    public RawHttp(int port, String from, Tls tls) {
        this(port, from, new byte[0], tls);
    }

    /** @param first what goes before TLS */
    public RawHttp(int port, String from, byte[] first, Tls tls) {
        try {
            var plain = new Socket(InetAddress.getLoopbackAddress(), port, InetAddress.getByName(from), 0);
            plain.setTcpNoDelay(true);
            plain.getOutputStream().write(first);
            socket = tls == null ? plain : tls.over(plain);
            socket.setSoTimeout(PATIENCE_MILLIS);
            in = socket.getInputStream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A request for an upgrade in which the lines of a header given replace all lines of that name; one without a value takes it away. */
    public static String upgrade(String requestLine, String... headers) {
        var request = new StringBuilder(requestLine).append("\r\n");
        for (var line : HANDSHAKE)
            if (!isReplaced(line, headers)) request.append(line).append("\r\n");
        for (var line : headers) if (!line.endsWith(":")) request.append(line).append("\r\n");
        return request.append("\r\n").toString();
    }

    private static boolean isReplaced(String line, String[] headers) {
        var name = line.substring(0, line.indexOf(':') + 1);
        for (var header : headers) if (header.startsWith(name)) return true;
        return false;
    }

    public RawHttp send(String text) {
        return send(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    public RawHttp send(byte[] bytes) {
        try {
            socket.getOutputStream().write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return this;
    }

    /** Sends for as long as the gateway takes it, up to a number of bytes; returns how many it took. */
    public long flood(byte[] piece, long most) {
        long sent = 0;
        try {
            for (; sent < most; sent += piece.length) socket.getOutputStream().write(piece);
        } catch (SocketException | SSLException _) {
            return sent; // the gateway has closed
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return sent;
    }

    /** The status of the next answer, whose headers and body of a known length are read; 0 if the gateway closes instead. */
    public int status() {
        var head = head();
        if (head.isEmpty()) return 0;
        var length = 0;
        for (var line : head.toLowerCase().split("\r\n"))
            if (line.startsWith("content-length:"))
                length = Integer.parseInt(line.substring(15).strip());
        try {
            in.readNBytes(length);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return Integer.parseInt(head.split(" ")[1]);
    }

    /** The head of the next answer; empty if the gateway closes instead. */
    public String head() {
        var head = new StringBuilder();
        try {
            while (!head.toString().endsWith("\r\n\r\n")) {
                var next = in.read();
                if (next < 0) return "";
                head.append((char) next);
            }
        } catch (SocketException | SSLException _) {
            return "";
        } catch (IOException e) {
            throw new UncheckedIOException(head.toString(), e);
        }
        return head.toString();
    }

    /** Returns when the gateway has closed, with what ran from the call on; what the gateway sends meanwhile is dropped. */
    public Stopwatch untilClosed() {
        var watch = Stopwatch.start();
        try {
            in.skipNBytes(Long.MAX_VALUE);
        } catch (java.io.EOFException | SocketException | SSLException _) {
            return watch;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        throw new AssertionError("endless");
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
