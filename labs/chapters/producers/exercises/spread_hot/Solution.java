import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** The plane is what must stay in order, and there are many planes. */
public class Solution {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());

        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var key = JSON.readTree(line).get("tailnum").asText();
            producer.send(new ProducerRecord<>(System.getenv("TOPIC"), key, line.strip()));
        }

        producer.flush();
    }
}
