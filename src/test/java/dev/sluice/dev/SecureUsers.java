package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * The users of {@code ./sluice run --secure}, in a file that the gateway can import: {@code username,password,groups}. Immutable.
 *
 * @param csv the file's content, its heading included
 */
record SecureUsers(String csv) {
    private static final String TOKEN = "SLUICE_ADMIN_TOKEN";

    /** Those of a file, which is made with random passwords if it is not there. */
    static SecureUsers kept(Path file) throws IOException {
        if (!Files.exists(file)) CertificateAuthority.replace(file, """
                    username,password,groups
                    ann,%s,dispatchers
                    truck-2,%s,trucks
                    """.formatted(random(), random()));
        return new SecureUsers(Files.readString(file));
    }

    private static String random() {
        var bytes = new byte[12];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private List<String[]> rows() {
        return csv.lines()
                .skip(1)
                .map(line -> line.split(","))
                .filter(row -> row.length > 1)
                .toList();
    }

    /** One a line, for a terminal. */
    String lines() {
        return rows().stream()
                .map(row -> row[0] + ", password " + row[1] + (row.length > 2 ? ", of the group " + row[2] : ""))
                .collect(Collectors.joining("\n"));
    }

    /** Empty if the file does not name that user any more. */
    String password(String username) {
        return rows().stream()
                .filter(row -> row[0].equals(username))
                .map(row -> row[1])
                .findFirst()
                .orElse("");
    }

    /** Makes the credentials of the gateway on a port of this machine what the file says. */
    void give(int port) {
        var request = HttpRequest.newBuilder(
                        URI.create("http://127.0.0.1:" + port + "/admin/credentials?existing=replace"))
                .timeout(Duration.ofSeconds(30))
                .header("Content-Type", "text/csv")
                .POST(HttpRequest.BodyPublishers.ofString(csv));
        Optional.ofNullable(System.getenv(TOKEN)).ifPresent(it -> request.header("Authorization", "Bearer " + it));
        try (var client = HttpClient.newHttpClient()) {
            var answer = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200)
                throw new Complaint("the gateway does not take the users: " + answer.body());
        } catch (IOException e) {
            throw new Complaint("the gateway does not take the users: " + e, e);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }
}
