package dev.sluice.access.token;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Keys at a URL. Follows no redirect, so that nobody is asked whom the configuration does not name; the whole answer has to be there in
 * time, however slowly it drips.
 */
record JwksUrl(HttpClient client, URI url, Duration timeout, int mostBytes) implements KeySource {
    private static final int OK = 200;

    @Override
    public byte[] read() throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(url)
                .timeout(timeout)
                .header("Accept", "application/jwk-set+json, application/json")
                .build();
        var answer = client.sendAsync(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), mostBytes));
        try {
            var response = answer.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
            if (response.statusCode() != OK) throw new IOException("it answers with status " + response.statusCode());
            return response.body();
        } catch (TimeoutException _) {
            throw new IOException("it does not answer within " + timeout.toMillis() + " ms");
        } catch (ExecutionException failed) {
            var why = failed.getCause().getMessage();
            throw new IOException(why == null ? "it cannot be reached" : why, failed.getCause());
        } finally {
            answer.cancel(true);
        }
    }

    @Override
    public String toString() {
        return url.toString();
    }
}
