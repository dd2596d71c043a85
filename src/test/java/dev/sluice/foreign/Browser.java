package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.sluice.support.Programs;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A Chromium without a window, and the web server of a page that posts its outcome to {@code /result}; used by one thread. */
final class Browser implements AutoCloseable {
    /** The lock of tests that start one: each takes as much of a machine as all that runs beside it. */
    static final String ONE = "a browser";

    private static final int PATIENCE_SECONDS = 90;
    private static final List<String> OPTIONS = List.of(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync");

    private final CompletableFuture<String> outcome = new CompletableFuture<>();
    private final Path pages;
    private final Path home;
    private final HttpServer server;
    private Process process;

    private Browser(Path pages) throws IOException {
        this.pages = pages.toAbsolutePath();
        this.home = Files.createTempDirectory("sluice-browser");
        this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    }

    /** Serves the files of a folder. */
    static Browser serving(Path pages) throws IOException {
        var browser = new Browser(pages);
        browser.server.createContext("/", browser::serve);
        browser.server.createContext("/result", browser::take);
        browser.server.start();
        return browser;
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            var file = pages.resolve("." + exchange.getRequestURI().getPath()).normalize();
            if (!file.startsWith(pages) || !Files.isRegularFile(file)) {
                exchange.sendResponseHeaders(404, -1);
                return;
            }
            exchange.getResponseHeaders().set("Content-Type", type(file.toString()));
            exchange.sendResponseHeaders(200, Files.size(file));
            Files.copy(file, exchange.getResponseBody());
        }
    }

    private static String type(String file) {
        return file.endsWith(".html") ? "text/html" : "text/javascript";
    }

    private void take(HttpExchange exchange) throws IOException {
        try (exchange) {
            var text = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(204, -1);
            outcome.complete(text);
        }
    }

    /** Opens a page, with more options for Chromium; fails with what it reports unless that is {@code passed}. */
    void pass(String page, String... options) throws Exception {
        var log = home.resolve("log");
        var command = new ArrayList<>(List.of(Programs.chromium()));
        command.addAll(OPTIONS);
        command.addAll(List.of(options));
        command.add("--user-data-dir=" + home.resolve("profile"));
        command.add("http://127.0.0.1:" + server.getAddress().getPort() + "/" + page);
        process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        process.onExit().thenAccept(ended -> outcome.complete("Chromium ended with status " + ended.exitValue()));
        try {
            assertThat(outcome.get(PATIENCE_SECONDS, TimeUnit.SECONDS))
                    .as("the outcome of the page; Chromium wrote %s", Files.readString(log))
                    .isEqualTo("passed");
        } catch (TimeoutException e) {
            throw new AssertionError("no outcome of the page; Chromium wrote " + Files.readString(log), e);
        }
    }

    @Override
    public void close() throws IOException {
        if (process != null) Programs.end(process);
        server.stop(0);
        try (var files = Files.walk(home)) {
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) Files.deleteIfExists(file);
        }
    }
}
