import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 02.2: each line of standard input, as a record, to TOPIC. */
public class Starter {
    public static void main(String[] arguments) throws IOException {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put("acks", "1");
        settings.put("enable.idempotence", "false");
        settings.put("batch.size", "1024"); // Java fills a batch for one partition, then takes another
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());

        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            producer.send(new ProducerRecord<>(System.getenv("TOPIC"), line.strip()));
        }
    }
}
