import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 13.3: count the departures of each day in TOPIC anew, into OUT; then switch VIEWS. */
public class Starter {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws IOException {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        try (var consumer =
                        new KafkaConsumer<>(
                                settings, new StringDeserializer(), new StringDeserializer());
                var producer =
                        new KafkaProducer<>(
                                settings, new StringSerializer(), new StringSerializer())) {
            // Java's `subscribe` is for members of a group; without one, partitions are assigned.
            consumer.assign(List.of(new TopicPartition(System.getenv("TOPIC"), 0)));
            var departures = new HashMap<String, Integer>();

            var records = consumer.poll(Duration.ofSeconds(3));
            while (!records.isEmpty()) {
                for (var record : records) {
                    var flight = JSON.readTree(record.value());
                    var day = flight.get("scheduled").asText().substring(0, 10);
                    departures.merge(day, 1, Integer::sum);
                }
                records = consumer.poll(Duration.ofSeconds(3));
            }

            for (var day : departures.keySet()) {
                var count = departures.get(day).toString();
                producer.send(new ProducerRecord<>(System.getenv("OUT"), day, count));
            }
            producer.flush();
        }
    }
}
